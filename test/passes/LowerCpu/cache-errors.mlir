// A cache is appended to in place, so that each value of it may have one reader.
// RUN: yoke-opt %s --yoke-form-kernels --yoke-lower-to-kernels --split-input-file --verify-diagnostics \
// RUN:   --mlir-print-op-on-diagnostic=false

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 4, f32>

// expected-error @below {{expected a cache value to be used once, since it is appended to in place}}
func.func @step(%batch: !llm.batch, %cache: !cache) -> (tensor<?x4xf32>, !cache) {
  %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
  %0, %c = llm.attention %t, %t, %t, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, !llm.batch, !cache) -> (tensor<?x4xf32>, !cache)
  return %0, %cache : tensor<?x4xf32>, !cache
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 4, f32>

func.func @step(%batch: !llm.batch, %cache: !cache) -> (tensor<?x4xf32>, !cache) {
  %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
  // expected-error @below {{expected a cache value to be used once, since it is appended to in place}}
  %0, %c = llm.attention %t, %t, %t, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, !llm.batch, !cache) -> (tensor<?x4xf32>, !cache)
  %1, %d = llm.attention %0, %t, %t, %batch cache %c {heads = 1, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, !llm.batch, !cache) -> (tensor<?x4xf32>, !cache)
  return %1, %c : tensor<?x4xf32>, !cache
}

// -----

// The last value may be dropped.
!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 4, f32>

func.func @step(%batch: !llm.batch, %cache: !cache) -> tensor<?x4xf32> {
  %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
  %0, %c = llm.attention %t, %t, %t, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, !llm.batch, !cache) -> (tensor<?x4xf32>, !cache)
  return %0 : tensor<?x4xf32>
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 4, f64>

// expected-error @below {{the CPU keeps keys and values as f32, bf16 or f16, found 'f64'}}
func.func @step(%batch: !llm.batch, %cache: !cache) -> tensor<?x4xf32> {
  %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
  %0, %c = llm.attention %t, %t, %t, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, !llm.batch, !cache) -> (tensor<?x4xf32>, !cache)
  return %0 : tensor<?x4xf32>
}
