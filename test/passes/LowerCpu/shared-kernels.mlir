// Equal layers share their kernels, whatever their weights and their place in the cache; what the runtime has to know
// is in the module's attributes.
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels="level=x86-64-v4 max-tokens=24" | FileCheck %s
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels="level=x86-64-v3 max-tokens=24" | FileCheck %s

!cache = !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>

// CHECK: llm.kernels = {attention = 2 : i64, embedding = 1 : i64, linear = 2 : i64, lm_head.softcap = 1 : i64}
// CHECK-SAME: llm.step = {
// CHECK-SAME: arena_bytes = [[#]] : i64
// CHECK-SAME: arena_bytes_per_thread = [[#]] : i64
// CHECK-SAME: kv_head_dim = 8 : i64, kv_heads = 1 : i64, kv_layers = 2 : i64
// CHECK-SAME: max_tokens = 24 : i64, output_columns = 9 : i64
// A page holds 32 keys and values of 8 float32 in 2 layers.
// CHECK-SAME: page_bytes = 4096 : i64, page_tokens = 32 : i64
ml_program.global private @e(#llm.weight<#llm.piece<"e", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x8xf32>
ml_program.global private @a(#llm.weight<#llm.piece<"a", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
ml_program.global private @b(#llm.weight<#llm.piece<"b", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>

// CHECK-COUNT-4: func.func private @
// CHECK-NOT: func.func private @
// The signature of the step ABI, and a C wrapper.
// CHECK: func.func @yoke_step(%{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>,
// CHECK-SAME: memref<?xi32>, {{.*}}index, %{{[a-z0-9]+}}: memref<?xf32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr)
// CHECK-SAME: llvm.emit_c_interface
// CHECK-NOT: func.func @step
// The layer's place in a page reaches the kernel as an operand.
// CHECK-DAG: %[[FIRST:.+]] = arith.constant 0 : index
// CHECK-DAG: %[[SECOND:.+]] = arith.constant 2048 : index
// The barrier stands between kernels, not after the last.
// CHECK: call @embedding(
// CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK: call @linear(
// CHECK: llvm.call
// CHECK: call @attention({{.*}}%[[FIRST]],
// CHECK: call @linear(
// CHECK: call @attention({{.*}}%[[SECOND]],
// CHECK: llvm.call
// CHECK: call @lm_head.softcap(
// CHECK-NOT: llvm.call
// CHECK: return
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x9xf32>, !cache) {
  %e = ml_program.global_load_const @e : tensor<9x8xf32>
  %a = ml_program.global_load_const @a : tensor<8x8xf32>
  %b = ml_program.global_load_const @b : tensor<8x8xf32>
  %x = llm.embedding %tokens, %e : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
  %0 = llm.linear %x, %a : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %1, %c1 = llm.attention %0, %0, %0, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32, layer = 0}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)
  %2 = llm.linear %1, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %3, %c2 = llm.attention %2, %2, %2, %batch cache %c1 {heads = 1, kv_heads = 1, scale = 0.5 : f32, layer = 1}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)
  %l = llm.lm_head %3, %e, %batch : (tensor<?x8xf32>, tensor<9x8xf32>, !llm.batch) -> tensor<?x9xf32>
  %y = llm.softcap %l {cap = 30.0 : f32} : tensor<?x9xf32>
  return %y, %c2 : tensor<?x9xf32>, !cache
}
