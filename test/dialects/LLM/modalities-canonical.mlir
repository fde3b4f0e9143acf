// Where every row goes through the same ops, they stand alone.
// RUN: yoke-opt %s --canonicalize | FileCheck %s

// No token has another modality than 0.
// CHECK-LABEL: @none
// CHECK-SAME: (%{{.*}}: tensor<?xi32>, %[[X:.*]]: tensor<?x8xf32>,
func.func @none(%tokens: tensor<?xi32>, %x: tensor<?x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %m = llm.modalities %tokens {begins = array<i64>, ends = array<i64>, numbers = array<i64>}
  // CHECK-NEXT: %[[Y:.*]] = llm.linear %[[X]]
  // CHECK-NEXT: return %[[Y]], %[[X]]
  %y:2 = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.linear %rows, %w0 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l, %rows : tensor<?x8xf32>, tensor<?x8xf32>
  }, {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.linear %rows, %w1 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l, %rows : tensor<?x8xf32>, tensor<?x8xf32>
  }
  return %y#0, %y#1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @only
func.func @only(%m: tensor<?xi32>, %x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = llm.activation relu
  // CHECK-NEXT: return %[[Y]]
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.activation relu %rows : tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @alike
func.func @alike(%m: tensor<?xi32>, %x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = llm.linear
  // CHECK-NEXT: return %[[Y]]
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.linear %rows, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }, {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.linear %rows, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// Different weights stay apart.
// CHECK-LABEL: @apart
func.func @apart(%m: tensor<?xi32>, %x: tensor<?x8xf32>, %w0: tensor<8x8xf32>, %w1: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.by_modality
  %y = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.linear %rows, %w0 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }, {
  ^bb0(%rows: tensor<?x8xf32>):
    %l = llm.linear %rows, %w1 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}
