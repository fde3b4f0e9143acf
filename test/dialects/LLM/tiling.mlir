// RUN: yoke-opt %s --transform-interpreter --canonicalize --cse --split-input-file | FileCheck %s

// A projection tiled by rows and outputs, with the element-wise producer of its input made tile by tile.
// CHECK-LABEL: func @linear
// CHECK: scf.for %[[ROW:.*]] = %c0 to %{{.*}} step %c4
// CHECK:   scf.for %[[COLUMN:.*]] = %c0 to %c96 step %c32
// CHECK:     %[[X:.*]] = tensor.extract_slice %arg0[%[[ROW]], 0] [%{{.*}}, 64] [1, 1]
// CHECK:     %[[W:.*]] = tensor.extract_slice %arg1[%[[COLUMN]], 0] [32, 64] [1, 1]
// CHECK:     %[[B:.*]] = tensor.extract_slice %arg2[%[[COLUMN]]] [32] [1]
// CHECK:     llm.linear %[[X]], %[[W]] bias %[[B]] : (tensor<?x64xf32>, tensor<32x64xbf16>, tensor<32xf32>) -> tensor<?x32xf32>
// CHECK:     tensor.insert_slice
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<96x64xbf16>, %b: tensor<96xf32>) -> tensor<?x96xf32> {
  %y = llm.linear %x, %w bias %b : (tensor<?x64xf32>, tensor<96x64xbf16>, tensor<96xf32>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["llm.linear"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [4, 32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A norm is tiled by rows; an activation before it is fused into the loop.
// CHECK-LABEL: func @norm
// CHECK: scf.for
// CHECK:   %[[X:.*]] = tensor.extract_slice %arg0[%{{.*}}, 0] [%{{.*}}, 64] [1, 1]
// CHECK:   %[[A:.*]] = llm.activation silu %[[X]] : tensor<?x64xf32>
// CHECK:   llm.rms_norm %[[A]], %arg1
// CHECK-NOT: llm.activation
func.func @norm(%x: tensor<?x64xf32>, %g: tensor<64xf32>) -> tensor<?x64xf32> {
  %a = llm.activation silu %x : tensor<?x64xf32>
  %y = llm.rms_norm %a, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
  return %y : tensor<?x64xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["llm.rms_norm"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
