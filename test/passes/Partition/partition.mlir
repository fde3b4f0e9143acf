// One row is a product with a vector, which the banks do best; many rows are a product of matrices, which the arrays do best.
// RUN: yoke-opt %s --yoke-fuse --yoke-specialise="classes=1x1,1x512" --yoke-partition="target=%S/../../../examples/targets/neupims.json" 2>%t.log | FileCheck %s
// RUN: FileCheck %s --check-prefix=SUMMARY < %t.log
// Each decision is a remark with what it would take elsewhere.
// RUN: yoke-opt %s --yoke-fuse --yoke-partition="target=%S/../../../examples/targets/neupims.json" --remarks-filter=yoke-partition -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// A target of one device places everything there.
// RUN: yoke-opt %s --yoke-fuse --yoke-partition="target=%S/../../../examples/targets/a100.json" 2>/dev/null | FileCheck %s --check-prefix=GPU
// What was placed, the target can execute.
// RUN: yoke-opt %s --yoke-fuse --yoke-specialise --yoke-partition="target=%S/../../../examples/targets/neupims.json" --yoke-check-placement="target=%S/../../../examples/targets/neupims.json" -o /dev/null 2>/dev/null

// SUMMARY: remark: @step_1x1: 3 kernels, 1 on npu, 2 on pim; {{.*}} us a step, {{.*}} us on npu alone, not possible on pim alone
// SUMMARY: remark: @step_1x512: 3 kernels, 3 on npu; {{.*}} us a step

// REMARK: Placed | Category:yoke-partition | Remark="embedding on npu: npu {{.*}} us (memory), pim cannot"
// REMARK: Remark="rms_norm.linear on pim: npu {{.*}} us (memory), pim {{.*}} us (compute)"

// GPU-COUNT-1: place.on gpu(
// GPU-NOT: place.transfer

// CHECK-LABEL: @step_1x1(
// CHECK: %[[X:.*]] = place.on npu(
// CHECK: llm.fused "embedding"
// CHECK: %[[T:.*]] = place.transfer %[[X]] from npu to pim : tensor<?x4096xf32>
// CHECK: place.on pim(%[[T]], %{{.*}})
// Weights are read where they lie.
// CHECK: ml_program.global_load_const @up
// CHECK: llm.fused "rms_norm.linear"
// CHECK: llm.fused "lm_head"
// CHECK-LABEL: @step_1x512(
// CHECK: place.on npu(
// CHECK-NOT: place
// CHECK: place.yield
// CHECK-NOT: place
module {
  ml_program.global private @table(#llm.weight<<"table", offset = 0, block = 1000, stride = 1000, count = 1>>) : tensor<1000x4096xbf16>
  ml_program.global private @scale(#llm.weight<<"scale", offset = 0, block = 4096, stride = 4096, count = 1>>) : tensor<4096xbf16>
  ml_program.global private @up(#llm.weight<<"up", offset = 0, block = 4096, stride = 4096, count = 1>>) : tensor<4096x4096xbf16>
  ml_program.global private @head(#llm.weight<<"head", offset = 0, block = 1000, stride = 1000, count = 1>>) : tensor<1000x4096xbf16>
  func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x1000xf32> {
    %table = ml_program.global_load_const @table : tensor<1000x4096xbf16>
    %x = llm.embedding %tokens, %table : (tensor<?xi32>, tensor<1000x4096xbf16>) -> tensor<?x4096xf32>
    %scale = ml_program.global_load_const @scale : tensor<4096xbf16>
    %n = llm.rms_norm %x, %scale {epsilon = 1.0E-5 : f32} : tensor<?x4096xf32>, tensor<4096xbf16>
    %up = ml_program.global_load_const @up : tensor<4096x4096xbf16>
    %y = llm.linear %n, %up : (tensor<?x4096xf32>, tensor<4096x4096xbf16>) -> tensor<?x4096xf32>
    %head = ml_program.global_load_const @head : tensor<1000x4096xbf16>
    %l = llm.lm_head %y, %head, %batch : (tensor<?x4096xf32>, tensor<1000x4096xbf16>, !llm.batch) -> tensor<?x1000xf32>
    return %l : tensor<?x1000xf32>
  }
}
