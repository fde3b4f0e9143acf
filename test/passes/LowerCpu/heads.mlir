// Ops by heads are kernels of their own; the matrices of all heads lie in panels.
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels | FileCheck %s
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-cpu="level=x86-64-v3" | FileCheck %s --check-prefix=NATIVE

// CHECK-DAG: func.func private @head_linear(%{{.*}}: memref<?x8xf32>, %{{.*}}: memref<2x1x2x32xi32>
// CHECK-DAG: func.func private @concat_heads(%{{.*}}: memref<?x8xf32>, %{{.*}}: memref<?x10xf32>
// CHECK: func.func @yoke_step
// CHECK: call @head_linear(
// CHECK: call @concat_heads(
// NATIVE: llvm.func @yoke_step
ml_program.global private @t(#llm.weight<#llm.piece<"t", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x8xf32>
ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 5, stride = 5, count = 1, transposed = true, first_column = 0, columns = 3>, #llm.piece<"w", offset = 0, block = 5, stride = 5, count = 1, transposed = true, first_column = 4, columns = 3>>) : tensor<2x5x3xbf16>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x18xf32> {
  %t = ml_program.global_load_const @t : tensor<16x8xf32>
  %x = llm.embedding %tokens, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %w = ml_program.global_load_const @w : tensor<2x5x3xbf16>
  %y = llm.head_linear %x, %w {first = 1} : (tensor<?x8xf32>, tensor<2x5x3xbf16>) -> tensor<?x10xf32>
  %z = llm.concat_heads %x, %y {heads = 2} : tensor<?x8xf32>, tensor<?x10xf32>
  %p = llm.pool first %z, %batch : tensor<?x18xf32>
  return %p : tensor<?x18xf32>
}
