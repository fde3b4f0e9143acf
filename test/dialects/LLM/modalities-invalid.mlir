// What the verifiers of ops about modalities refuse, one case per rule.
// RUN: yoke-opt %s -split-input-file -verify-diagnostics

func.func @f(%t: tensor<?xi32>) {
  // expected-error @+1 {{expected an end and a number for each of 1 begins, found 0 ends and 1 numbers}}
  %m = llm.modalities %t {begins = array<i64: 1>, ends = array<i64>, numbers = array<i64: 1>}
  return
}

// -----

func.func @f(%t: tensor<?xi32>) {
  // expected-error @+1 {{expected ranges of ids in order that do not overlap, found 4 to 9}}
  %m = llm.modalities %t {begins = array<i64: 1, 4>, ends = array<i64: 5, 9>, numbers = array<i64: 1, 1>}
  return
}

// -----

func.func @f(%t: tensor<?xi32>) {
  // expected-error @+1 {{expected ranges of ids in order that do not overlap, found 5 to 5}}
  %m = llm.modalities %t {begins = array<i64: 5>, ends = array<i64: 5>, numbers = array<i64: 1>}
  return
}

// -----

func.func @f(%t: tensor<?xi32>) {
  // expected-error @+1 {{expected ranges of ids in order that do not overlap, found -1 to 5}}
  %m = llm.modalities %t {begins = array<i64: -1>, ends = array<i64: 5>, numbers = array<i64: 1>}
  return
}

// -----

func.func @f(%t: tensor<?xi32>) {
  // expected-error @+1 {{expected numbers from 1 to 255, found 0}}
  %m = llm.modalities %t {begins = array<i64: 1>, ends = array<i64: 5>, numbers = array<i64: 0>}
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %b: !llm.batch, %c: !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>) {
  // expected-error @+1 {{found 1 opens, 1 closes and 2 numbers}}
  %m, %n = llm.segments %t, %b, %c {layer = 2, opens = array<i64: 6>, closes = array<i64: 7>, numbers = array<i64: 1, 2>} : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %b: !llm.batch, %c: !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>) {
  // expected-error @+1 {{found 0 opens, 0 closes and 0 numbers}}
  %m, %n = llm.segments %t, %b, %c {layer = 2, opens = array<i64>, closes = array<i64>, numbers = array<i64>} : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %b: !llm.batch, %c: !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>) {
  // expected-error @+1 {{expected markers that are ids and differ, found 6}}
  %m, %n = llm.segments %t, %b, %c {layer = 2, opens = array<i64: 6>, closes = array<i64: 6>, numbers = array<i64: 1>} : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %b: !llm.batch, %c: !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>) {
  // expected-error @+1 {{expected markers that are ids and differ, found -6}}
  %m, %n = llm.segments %t, %b, %c {layer = 2, opens = array<i64: -6>, closes = array<i64: 6>, numbers = array<i64: 1>} : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %b: !llm.batch, %c: !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>) {
  // expected-error @+1 {{expected numbers from 1 to 255, found 256}}
  %m, %n = llm.segments %t, %b, %c {layer = 2, opens = array<i64: 5>, closes = array<i64: 6>, numbers = array<i64: 256>} : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %b: !llm.batch, %c: !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>) {
  // expected-error @+1 {{expected a layer below the cache's 3, found 3}}
  %m, %n = llm.segments %t, %b, %c {layer = 3, opens = array<i64: 5>, closes = array<i64: 6>, numbers = array<i64: 1>} : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
  return
}

// -----

func.func @f(%t: tensor<?xi32>, %x: tensor<?x8xf32>) {
  %m = llm.modalities %t {begins = array<i64: 1>, ends = array<i64: 5>, numbers = array<i64: 2>}
  // expected-error @+1 {{expected a region for modality 2, found 2 regions}}
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }, {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%m: tensor<?xi32>, %x: tensor<?x8xbf16>) {
  // expected-error @+1 {{expected rows of f32, found 'tensor<?x8xbf16>'}}
  %y = llm.by_modality %m(%x) : (tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  ^bb0(%rows: tensor<?x8xbf16>):
    llm.yield %rows : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @f(%m: tensor<?xi32>, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected arguments of the inputs' types in region 1}}
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }, {
  ^bb0(%rows: tensor<?x4xf32>):
    llm.yield %rows : tensor<?x4xf32>
  }
  return
}

// -----

func.func @f(%m: tensor<?xi32>, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected region 0 to end with an llm.yield of the outputs' types}}
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x4xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%m: tensor<?xi32>, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected a region that reads only its own rows and weights, found a use of 'tensor<?x8xf32>' by llm.yield}}
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %x : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%m: tensor<?xi32>, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected a region for each modality, found none}}
  %y = "llm.by_modality"(%m, %x) : (tensor<?xi32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
