// The two halves of a projection and their product are one kernel when they are exactly its halves.
// RUN: yoke-opt %s --yoke-form-kernels | FileCheck %s

// CHECK-LABEL: @halves
func.func @halves(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>, %r: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear.gated.addf"(
  // CHECK: %[[L:.+]] = llm.linear
  // CHECK-DAG: %[[GATE:.+]] = tensor.extract_slice %[[L]][0, 0] [%{{.+}}, 8] [1, 1]
  // CHECK-DAG: %[[UP:.+]] = tensor.extract_slice %[[L]][0, 8] [%{{.+}}, 8] [1, 1]
  // CHECK: %[[Y:.+]] = llm.gated silu %[[GATE]], %[[UP]]
  // CHECK-NEXT: arith.addf %[[Y]]
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  // In either order.
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  %s = arith.addf %y, %r : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// CHECK-LABEL: @gate_is_the_second_half
func.func @gate_is_the_second_half(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "gated"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  %up = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %gate = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @columns_left_over
func.func @columns_left_over(%x: tensor<?x8xf32>, %w: tensor<17x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "gated"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<17x8xf32>) -> tensor<?x17xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x17xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x17xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x17xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @halves_overlap
func.func @halves_overlap(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "gated"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 7] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @projection_read_whole_too
func.func @projection_read_whole_too(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>) -> (tensor<?x8xf32>, tensor<?x16xf32>) {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "gated"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y, %l : tensor<?x8xf32>, tensor<?x16xf32>
}

// CHECK-LABEL: @gate_read_elsewhere
func.func @gate_read_elsewhere(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "gated"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y, %gate : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @halves_are_added
func.func @halves_are_added(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "addf"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = arith.addf %gate, %up : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @three_slices
func.func @three_slices(%x: tensor<?x8xf32>, %w: tensor<24x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "gated.addf"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<24x8xf32>) -> tensor<?x24xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x24xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x24xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x24xf32> to tensor<?x8xf32>
  %more = tensor.extract_slice %l[0, 16] [%n, 8] [1, 1] : tensor<?x24xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  %s = arith.addf %y, %more : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// The projection's rows are counted for somebody else too, so that the projection must stay a value.
// CHECK-LABEL: @rows_counted_for_others
func.func @rows_counted_for_others(%x: tensor<?x8xf32>, %z: tensor<?x16xf32>, %w: tensor<16x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[L:.+]] = llm.fused "linear"(
  // CHECK: tensor.dim %[[L]]
  // CHECK: llm.fused "gated"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %l, %c0 : tensor<?x16xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %other = tensor.extract_slice %z[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y, %other : tensor<?x8xf32>, tensor<?x8xf32>
}

// Slices sized by another value's rows are still the halves.
// CHECK-LABEL: @rows_of_another_value
func.func @rows_of_another_value(%x: tensor<?x8xf32>, %w: tensor<16x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear.gated"(
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %gate = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %up = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %y = llm.gated silu %gate, %up : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
