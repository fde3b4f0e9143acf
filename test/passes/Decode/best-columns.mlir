// The head's kernel takes in the best columns: it returns ids beside values, and logits have no memory.
// RUN: yoke-opt %s --yoke-fuse -split-input-file | FileCheck %s --check-prefix=FUSE
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels="level=x86-64-v4 max-tokens=24" | FileCheck %s --check-prefix=LOWER

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
ml_program.global private @e(#llm.weight<#llm.piece<"e", offset = 0, block = 90, stride = 90, count = 1>>) : tensor<90x8xf32>

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x90xf32>, !cache) {
  %e = ml_program.global_load_const @e : tensor<90x8xf32>
  %x = llm.embedding %tokens, %e : (tensor<?xi32>, tensor<90x8xf32>) -> tensor<?x8xf32>
  %1, %c1 = llm.attention %x, %x, %x, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32, layer = 0}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)
  %l = llm.lm_head %1, %e, %batch : (tensor<?x8xf32>, tensor<90x8xf32>, !llm.batch) -> tensor<?x90xf32>
  return %l, %c1 : tensor<?x90xf32>, !cache
}

// FUSE-LABEL: @step_top2
// FUSE: llm.fused "lm_head.softcap.top_k"(
// FUSE: llm.softcap
// FUSE: decode.top_k
// LOWER-LABEL: func.func private @lm_head.softcap.top_k(
// The list's end is compared with a vector of sums; only what is larger is looked at.
// LOWER: arith.cmpf ugt, %{{.*}}, %{{.*}} : vector<16xf32>
// LOWER: vector.reduction <or>
// LOWER: scf.if
// LOWER: func.func @yoke_step_top2(
// LOWER-SAME: memref<?xf32>, %[[IDS:[a-z0-9]+]]: memref<?xi32>, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr)
// Layers are those of the other step.
// LOWER: call @embedding(
// LOWER: call @attention(
// LOWER: call @lm_head.softcap.top_k({{.*}}%[[IDS]]
func.func @step_top2(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x2xf32>, tensor<?x2xi32>, !cache) {
  %e = ml_program.global_load_const @e : tensor<90x8xf32>
  %x = llm.embedding %tokens, %e : (tensor<?xi32>, tensor<90x8xf32>) -> tensor<?x8xf32>
  %1, %c1 = llm.attention %x, %x, %x, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32, layer = 0}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)
  %l = llm.lm_head %1, %e, %batch : (tensor<?x8xf32>, tensor<90x8xf32>, !llm.batch) -> tensor<?x90xf32>
  %y = llm.softcap %l {cap = 30.0 : f32} : tensor<?x90xf32>
  %values, %ids = decode.top_k %y : tensor<?x90xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %values, %ids, %c1 : tensor<?x2xf32>, tensor<?x2xi32>, !cache
}
