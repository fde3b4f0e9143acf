// Of eight experts, four tokens with two each reach five by an even load, with eight rows together.
// RUN: yoke-opt %s --yoke-lower-npu-pim="target=%S/../../../examples/targets/neupims.json" --remarks-filter=yoke-lower-npu-pim -o %t.mlir 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s < %t.mlir
// RUN: yoke-translate --serialize-commands %t.mlir -o %t.bin
// RUN: yoke-sim --system %S/../../../examples/targets/neupims.json %t.bin | FileCheck %s --check-prefix=SIM

// REMARK: EvenLoad | Category:yoke-lower-npu-pim | Remark="5 of 8 experts, reached by an even load of 4 rows"
// SIM: memory commands, all legal

// CHECK: npu.program @step
// CHECK-COUNT-3: npu.gemm {{.*}} rows 2 cycles
// CHECK-COUNT-2: npu.gemm {{.*}} rows 1 cycles
// CHECK-NOT: npu.gemm
// CHECK: mark
func.func @step(%x: tensor<?x64xf32>, %logits: tensor<?x8xf32>) -> tensor<?x64xf32> attributes {llm.class = array<i64: 4, 1>} {
  %0 = place.on npu(%x, %logits) : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32> {
  ^bb0(%a: tensor<?x64xf32>, %l: tensor<?x8xf32>):
    %m = ml_program.global_load_const @m : tensor<8x64x64xbf16>
    %k = llm.fused "experts"(%a, %l, %m) : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<8x64x64xbf16>) -> tensor<?x64xf32> {
    ^bb0(%b: tensor<?x64xf32>, %g: tensor<?x8xf32>, %n: tensor<8x64x64xbf16>):
      %w, %e = moe.route softmax %g {top_k = 2} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
      %y = moe.experts %b, %w, %e, (%n) : (tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<8x64x64xbf16>) -> tensor<?x64xf32> {
      ^bb1(%row: tensor<?x64xf32>, %one: tensor<64x64xbf16>):
        %z = llm.linear %row, %one : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
        moe.yield %z : tensor<?x64xf32>
      }
      llm.yield %y : tensor<?x64xf32>
    }
    place.yield %k : tensor<?x64xf32>
  }
  return %0 : tensor<?x64xf32>
}
ml_program.global private @m(#llm.weight<<"m", offset = 0, block = 512, stride = 512, count = 1>>) : tensor<8x64x64xbf16>
