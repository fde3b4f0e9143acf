// Stacks of matrices lie in panels of their own, gate and up interleaved; their kernel routes, sorts and multiplies.
// RUN: yoke-opt %s --yoke-fuse --yoke-pack-weights | FileCheck %s --check-prefix=PACK
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels | FileCheck %s
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-cpu="level=x86-64-v3" | FileCheck %s --check-prefix=NATIVE

// PACK-DAG: @gate_up{{.*}}panel = 32, group = 2, interleave = 16
// PACK-DAG: @down{{.*}}panel = 32, group = 2, interleave = 0

// CHECK: func.func private @route.experts(%{{.*}}: memref<?x4xf32>, %{{.*}}: memref<?x8xf32>, %{{.*}}: memref<4x1x4x32xi32>, %{{.*}}: memref<4x1x3x32xi32>
// CHECK: func.func @yoke_step
// CHECK: call @route.experts(
// NATIVE: llvm.func @yoke_step
ml_program.global private @t(#llm.weight<#llm.piece<"t", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x8xf32>
ml_program.global private @router(#llm.weight<#llm.piece<"r", offset = 0, block = 4, stride = 4, count = 1>>) : tensor<4x8xf32>
ml_program.global private @gate_up(#llm.weight<#llm.piece<"gu", offset = 0, block = 48, stride = 48, count = 1>>) : tensor<4x12x8xbf16>
ml_program.global private @down(#llm.weight<#llm.piece<"d", offset = 0, block = 32, stride = 32, count = 1>>) : tensor<4x8x6xbf16>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %t = ml_program.global_load_const @t : tensor<16x8xf32>
  %x = llm.embedding %tokens, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %r = ml_program.global_load_const @router : tensor<4x8xf32>
  %logits = llm.linear %x, %r : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %gate_up = ml_program.global_load_const @gate_up : tensor<4x12x8xbf16>
  %down = ml_program.global_load_const @down : tensor<4x8x6xbf16>
  %w, %e = moe.route softmax %logits {top_k = 2, normalize} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y = moe.experts %x, %w, %e, (%gate_up, %down) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x12x8xbf16>, tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  ^bb0(%row: tensor<?x8xf32>, %gu: tensor<12x8xbf16>, %d: tensor<8x6xbf16>):
    %c0 = arith.constant 0 : index
    %both = llm.linear %row, %gu : (tensor<?x8xf32>, tensor<12x8xbf16>) -> tensor<?x12xf32>
    %rows = tensor.dim %both, %c0 : tensor<?x12xf32>
    %gate = tensor.extract_slice %both[0, 0] [%rows, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
    %up = tensor.extract_slice %both[0, 6] [%rows, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
    %inner = llm.gated silu %gate, %up : tensor<?x6xf32>
    %out = llm.linear %inner, %d : (tensor<?x6xf32>, tensor<8x6xbf16>) -> tensor<?x8xf32>
    moe.yield %out : tensor<?x8xf32>
  }
  %p = llm.pool first %y, %batch : tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}
