// Folders and canonical forms, and where they must not apply.
// RUN: yoke-opt --canonicalize %s | FileCheck %s

// CHECK-LABEL: @relu_of_relu
// CHECK-SAME: %[[X:.+]]: tensor
func.func @relu_of_relu(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.+]] = llm.activation relu %[[X]]
  // CHECK-NEXT: return %[[Y]]
  %0 = llm.activation relu %x : tensor<?x8xf32>
  %1 = llm.activation relu %0 : tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// Applied twice, other activations are not the same as once.
// CHECK-LABEL: @other_activations_stay
func.func @other_activations_stay(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: llm.activation gelu
  // CHECK-NEXT: llm.activation relu
  // CHECK-NEXT: llm.activation gelu
  // CHECK-NEXT: llm.activation silu
  // CHECK-NEXT: llm.activation silu
  // CHECK-NEXT: return
  %0 = llm.activation gelu %x : tensor<?x8xf32>
  %1 = llm.activation relu %0 : tensor<?x8xf32>
  %2 = llm.activation gelu %1 : tensor<?x8xf32>
  %3 = llm.activation silu %2 : tensor<?x8xf32>
  %4 = llm.activation silu %3 : tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// CHECK-LABEL: @scale_by_one
// CHECK-SAME: %[[X:.+]]: tensor
func.func @scale_by_one(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = llm.scale %x {factor = 1.0 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: @scale_by_almost_one
func.func @scale_by_almost_one(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-DAG: llm.scale %{{.+}} {factor = 1.00000012 : f32}
  // CHECK-DAG: llm.scale %{{.+}} {factor = -1.000000e+00 : f32}
  %0 = llm.scale %x {factor = 1.00000012 : f32} : tensor<?x8xf32>
  %1 = llm.scale %x {factor = -1.0 : f32} : tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// Three powers of two and a short decimal: every product is exact.
// CHECK-LABEL: @exact_scales_merge
// CHECK-SAME: %[[X:.+]]: tensor
func.func @exact_scales_merge(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.+]] = llm.scale %[[X]] {factor = 1.200000e+01 : f32}
  // CHECK-NEXT: return %[[Y]]
  %0 = llm.scale %x {factor = 8.0 : f32} : tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 0.5 : f32} : tensor<?x8xf32>
  %2 = llm.scale %1 {factor = 3.0 : f32} : tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// CHECK-LABEL: @scales_that_cancel
// CHECK-SAME: %[[X:.+]]: tensor
func.func @scales_that_cancel(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = llm.scale %x {factor = 4.0 : f32} : tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 0.25 : f32} : tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// CHECK-LABEL: @inexact_scales_stay
func.func @inexact_scales_stay(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: llm.scale %{{.+}} {factor = 1.000000e-01 : f32}
  // CHECK-NEXT: llm.scale %{{.+}} {factor = 3.000000e-01 : f32}
  // CHECK-NEXT: return
  %0 = llm.scale %x {factor = 0.1 : f32} : tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 0.3 : f32} : tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// CHECK-LABEL: @scales_that_overflow_stay
func.func @scales_that_overflow_stay(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-COUNT-2: llm.scale
  %0 = llm.scale %x {factor = 1.0e30 : f32} : tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 1.0e30 : f32} : tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// CHECK-LABEL: @bias_folds
// CHECK-SAME: %[[X:.+]]: tensor<?x8xf32>, %[[W:.+]]: tensor<4x8xf32>, %[[B:.+]]: tensor<4xf32>
func.func @bias_folds(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %[[Y:.+]] = llm.linear %[[X]], %[[W]] bias %[[B]]
  // CHECK-NEXT: return %[[Y]]
  %0 = llm.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %1 = llm.bias %0, %b : tensor<?x4xf32>, tensor<4xf32>
  return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: @second_bias_stays
func.func @second_bias_stays(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: llm.linear {{.+}} bias
  // CHECK-NEXT: llm.bias
  %0 = llm.linear %x, %w bias %b : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %1 = llm.bias %0, %b : tensor<?x4xf32>, tensor<4xf32>
  return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: @bias_of_a_shared_linear_stays
func.func @bias_of_a_shared_linear_stays(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // CHECK-NEXT: llm.linear %{{.+}}, %{{.+}} :
  // CHECK-NEXT: llm.bias
  %0 = llm.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %1 = llm.bias %0, %b : tensor<?x4xf32>, tensor<4xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: @unused_ops_vanish
func.func @unused_ops_vanish(%x: tensor<?x8xf32>, %batch: !llm.batch) {
  // CHECK-NEXT: return
  %0 = llm.positions %batch : tensor<?xi32>
  %1 = llm.softcap %x {cap = 2.0 : f32} : tensor<?x8xf32>
  %2 = llm.fused "softcap" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%y: tensor<?x8xf32>):
    %z = llm.softcap %y {cap = 2.0 : f32} : tensor<?x8xf32>
    llm.yield %z : tensor<?x8xf32>
  }
  return
}

// CHECK-LABEL: @rows_of_rows_are_rows
func.func @rows_of_rows_are_rows(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2xf32>) {
  // CHECK-NEXT: %[[R:.+]] = llm.reshape_rows %[[X:.+]] : tensor<?x8xf32> -> tensor<?x2xf32>
  // CHECK-NEXT: return %[[X]], %[[X]], %[[R]]
  %0 = llm.reshape_rows %x : tensor<?x8xf32> -> tensor<?x8xf32>
  %1 = llm.reshape_rows %x : tensor<?x8xf32> -> tensor<?x2xf32>
  %2 = llm.reshape_rows %1 : tensor<?x2xf32> -> tensor<?x8xf32>
  return %0, %2, %1 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2xf32>
}
