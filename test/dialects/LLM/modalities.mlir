// Regions by modality: printed as written, and the same through the generic form and through bytecode.
// RUN: yoke-opt %s | FileCheck %s
// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --mlir-print-op-generic %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --emit-bytecode %s | yoke-opt | FileCheck %s

!cache = !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>

// CHECK-LABEL: @by_ids
func.func @by_ids(%tokens: tensor<?xi32>, %x: tensor<?x8xf32>, %w0: tensor<4x8xf32>, %w1: tensor<4x8xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[M:.*]] = llm.modalities %{{.*}} {begins = array<i64: 8, 32>, ends = array<i64: 16, 48>, numbers = array<i64: 1, 1>}
  %m = llm.modalities %tokens {begins = array<i64: 8, 32>, ends = array<i64: 16, 48>, numbers = array<i64: 1, 1>}
  // CHECK: %[[Y:.*]]:2 = llm.by_modality %[[M]](%{{.*}}, %{{.*}}) : (tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x4xf32>, tensor<?x8xf32>) {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x8xf32>, %{{.*}}: tensor<?x8xf32>):
  // CHECK: llm.yield %{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x8xf32>
  // CHECK: }, {
  // CHECK: llm.yield
  // CHECK-NEXT: }
  %y:2 = llm.by_modality %m(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x4xf32>, tensor<?x8xf32>) {
  ^bb0(%rows: tensor<?x8xf32>, %same: tensor<?x8xf32>):
    %l = llm.linear %rows, %w0 : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    llm.yield %l, %same : tensor<?x4xf32>, tensor<?x8xf32>
  }, {
  ^bb0(%rows: tensor<?x8xf32>, %same: tensor<?x8xf32>):
    %l = llm.linear %rows, %w1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    llm.yield %l, %same : tensor<?x4xf32>, tensor<?x8xf32>
  }
  return %y#0 : tensor<?x4xf32>
}

// CHECK-LABEL: @by_markers
func.func @by_markers(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?xi32>, !cache) {
  // CHECK: llm.segments %{{.*}}, %{{.*}}, %{{.*}} {closes = array<i64: 7>, layer = 2 : i64, numbers = array<i64: 1>, opens = array<i64: 6>} : <layers = 3, heads = 2, head_dim = 16, f32>
  %m, %new = llm.segments %tokens, %batch, %cache {layer = 2, opens = array<i64: 6>, closes = array<i64: 7>, numbers = array<i64: 1>} : !cache
  return %m, %new : tensor<?xi32>, !cache
}
