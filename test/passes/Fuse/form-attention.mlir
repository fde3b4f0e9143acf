// Rotary embeddings and head norms of queries and keys go into the attention kernel.
// RUN: yoke-opt %s --yoke-form-kernels | FileCheck %s

// CHECK-LABEL: @norm_and_rope
func.func @norm_and_rope(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %g: tensor<8xf32>, %t: tensor<?x8xf32>, %batch: !llm.batch) -> tensor<?x16xf32> {
  // CHECK-NEXT: llm.fused "rms_norm.rope.rms_norm.rope.attention"(
  // CHECK-NOT: llm.fused
  %qn = llm.rms_norm %q, %g {epsilon = 1.0e-5 : f32} : tensor<?x16xf32>, tensor<8xf32>
  %qr = llm.rope %qn, %t {head_dim = 8} : tensor<?x16xf32>, tensor<?x8xf32>
  %kn = llm.rms_norm %k, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %kr = llm.rope %kn, %t {head_dim = 8} : tensor<?x8xf32>, tensor<?x8xf32>
  %o = llm.attention %qr, %kr, %v, %batch {heads = 2, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// CHECK-LABEL: @norm_alone
func.func @norm_alone(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %g: tensor<8xf32>, %batch: !llm.batch) -> tensor<?x16xf32> {
  // CHECK-NEXT: llm.fused "rms_norm.attention"(
  // CHECK-NOT: llm.fused
  %qn = llm.rms_norm %q, %g {epsilon = 1.0e-5 : f32} : tensor<?x16xf32>, tensor<8xf32>
  %o = llm.attention %qn, %k, %v, %batch {heads = 2, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// A norm over whole rows needs all heads of a token, which an attention unit does not see.
// CHECK-LABEL: @norm_of_whole_rows
func.func @norm_of_whole_rows(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %g: tensor<16xf32>, %t: tensor<?x8xf32>, %batch: !llm.batch) -> tensor<?x16xf32> {
  // CHECK: llm.fused "rms_norm"(
  // CHECK: llm.fused "rope.attention"(
  // CHECK-NOT: llm.fused
  %qn = llm.rms_norm %q, %g {epsilon = 1.0e-5 : f32} : tensor<?x16xf32>, tensor<16xf32>
  %qr = llm.rope %qn, %t {head_dim = 8} : tensor<?x16xf32>, tensor<?x8xf32>
  %o = llm.attention %qr, %k, %v, %batch {heads = 2, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// The rotation of heads of another size is not the one that a unit can do to its head.
// CHECK-LABEL: @rope_of_other_heads
func.func @rope_of_other_heads(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %t: tensor<?x4xf32>, %batch: !llm.batch) -> tensor<?x16xf32> {
  // CHECK: llm.fused "attention"(
  // CHECK-NOT: llm.fused "rope.attention"
  %qr = llm.rope %q, %t {head_dim = 4} : tensor<?x16xf32>, tensor<?x4xf32>
  %o = llm.attention %qr, %k, %v, %batch {heads = 2, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// Values are neither rotated nor normalised there, and what two readers read stays outside.
// CHECK-LABEL: @values_and_shared_keys
func.func @values_and_shared_keys(%q: tensor<?x8xf32>, %k: tensor<?x8xf32>, %g: tensor<8xf32>, %t: tensor<?x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  // CHECK-DAG: %[[K:.+]] = llm.fused "rope"(
  // CHECK-DAG: %[[V:.+]] = llm.fused "rms_norm"(
  // CHECK: llm.fused "attention"({{.*}}%[[K]], %[[V]]
  %kr = llm.rope %k, %t {head_dim = 8} : tensor<?x8xf32>, tensor<?x8xf32>
  %vn = llm.rms_norm %kr, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %o = llm.attention %q, %kr, %vn, %batch {heads = 1, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  return %o : tensor<?x8xf32>
}

// Attention takes in nothing after it: each head is a unit of its own.
// CHECK-LABEL: @sum_after_attention
func.func @sum_after_attention(%q: tensor<?x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  // CHECK: llm.fused "attention"(
  // CHECK: llm.fused "addf"(
  %o = llm.attention %q, %q, %q, %batch {heads = 1, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %s = arith.addf %o, %q : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>

// CHECK-LABEL: @the_cache_is_a_result
func.func @the_cache_is_a_result(%q: tensor<?x8xf32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x8xf32>, !cache) {
  // CHECK: %[[O:.+]]:2 = llm.fused "attention"(
  // CHECK: llm.yield %{{.+}}, %{{.+}} : tensor<?x8xf32>, !llm.kv_cache
  // CHECK: return %[[O]]#0, %[[O]]#1
  %o, %c = llm.attention %q, %q, %q, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)
  return %o, %c : tensor<?x8xf32>, !cache
}
