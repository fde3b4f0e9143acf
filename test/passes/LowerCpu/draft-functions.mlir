// Functions beside the step become entries of their own, which go on from features; the step's second result lies behind the first.
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels | FileCheck %s
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-cpu="level=x86-64-v3" | FileCheck %s --check-prefix=NATIVE

// CHECK: module attributes
// CHECK-SAME: llm.entries = {paths = {arena_bytes = {{[0-9]+}} : i64, arena_bytes_per_thread = {{[0-9]+}} : i64, max_tokens = 512 : i64, output_columns = 16 : i64
// CHECK-SAME: llm.step = {{{.*}}feature_columns = 8 : i64
// CHECK: func.func @yoke_step(
// CHECK: memref.reinterpret_cast %{{.+}} to offset: [%{{.+}}], sizes: [%{{.+}}, 8], strides: [8, 1]

// Two token ids for each row of features: the embedding's rows are twice as many, and lie two by two in one.
// CHECK: func.func @yoke_paths(%{{.+}}: memref<?xi8>, {{.*}}, %[[FEATURES:[a-z0-9]+]]: memref<?xf32>, %[[RESULT:[a-z0-9]+]]: memref<?xf32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr)
// CHECK: %[[IDS:.+]] = memref.dim %{{.+}}, %c0
// CHECK: %[[ROWS:.+]] = arith.divui %[[IDS]], %c2
// CHECK: memref.reinterpret_cast %[[FEATURES]] to offset: [0], sizes: [%[[ROWS]], 8], strides: [8, 1]
// CHECK: memref.reinterpret_cast %{{.+}} to offset: [0], sizes: [%{{.+}}, 16], strides: [16, 1]
// NATIVE-DAG: llvm.func @yoke_step
// NATIVE-DAG: llvm.func @yoke_paths
// NATIVE-DAG: llvm.func @_mlir_ciface_yoke_paths
ml_program.global private @t(#llm.weight<#llm.piece<"t", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x8xf32>
ml_program.global private @g(#llm.weight<#llm.piece<"g", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8xf32>
ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x24xf32>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %t = ml_program.global_load_const @t : tensor<16x8xf32>
  %g = ml_program.global_load_const @g : tensor<8xf32>
  %x = llm.embedding %tokens, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %y = llm.lm_head %n, %t, %batch : (tensor<?x8xf32>, tensor<16x8xf32>, !llm.batch) -> tensor<?x16xf32>
  return %y, %n : tensor<?x16xf32>, tensor<?x8xf32>
}
func.func @paths(%features: tensor<?x8xf32>, %tokens: tensor<?xi32> {llm.tokens_per_row = 2 : i64}) -> tensor<?x16xf32> {
  %t = ml_program.global_load_const @t : tensor<16x8xf32>
  %w = ml_program.global_load_const @w : tensor<16x24xf32>
  %e = llm.embedding %tokens, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %p = llm.reshape_rows %e : tensor<?x8xf32> -> tensor<?x16xf32>
  %z = llm.concat_heads %features, %p {heads = 1} : tensor<?x8xf32>, tensor<?x16xf32>
  %y = llm.linear %z, %w : (tensor<?x24xf32>, tensor<16x24xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
