// Every op: printed as written, and the same through the generic form and through bytecode.
// RUN: yoke-opt %s | FileCheck %s
// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --mlir-print-op-generic %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --emit-bytecode %s | yoke-opt | FileCheck %s

// CHECK-LABEL: @route
func.func @route(%logits: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // CHECK: moe.route softmax %{{.*}} {normalize, top_k = 2 : i64} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %w0, %e0 = moe.route softmax %logits {top_k = 2, normalize} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: moe.route softmax_chosen %{{.*}} {top_k = 1 : i64} : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  %w1, %e1 = moe.route softmax_chosen %logits {top_k = 1} : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  // CHECK: moe.route sigmoid %{{.*}} {scale = 2.500000e+00 : f32, top_k = 8 : i64}
  %w2, %e2 = moe.route sigmoid %logits {top_k = 8, scale = 2.5 : f32} : tensor<?x8xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  // CHECK: moe.route sigmoid %{{.*}} bias %{{.*}} : tensor<8xf32> {groups = 4 : i64, pairs, top_groups = 2 : i64, top_k = 3 : i64} : tensor<?x8xf32>
  %w3, %e3 = moe.route sigmoid %logits bias %b : tensor<8xf32> {top_k = 3, groups = 4, top_groups = 2, pairs} : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  return
}

// CHECK-LABEL: @experts
func.func @experts(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>, %gate_up: tensor<4x12x8xbf16>, %down: tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  // CHECK: moe.experts %{{.*}}, %{{.*}}, %{{.*}}, (%{{.*}}, %{{.*}}) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x12x8xbf16>, tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x8xf32>, %{{.*}}: tensor<12x8xbf16>, %{{.*}}: tensor<8x6xbf16>):
  // CHECK: moe.yield %{{.*}} : tensor<?x8xf32>
  %y = moe.experts %x, %w, %e, (%gate_up, %down) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x12x8xbf16>, tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  ^bb0(%row: tensor<?x8xf32>, %gu: tensor<12x8xbf16>, %d: tensor<8x6xbf16>):
    %c0 = arith.constant 0 : index
    %both = llm.linear %row, %gu : (tensor<?x8xf32>, tensor<12x8xbf16>) -> tensor<?x12xf32>
    %rows = tensor.dim %both, %c0 : tensor<?x12xf32>
    %gate = tensor.extract_slice %both[0, 0] [%rows, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
    %up = tensor.extract_slice %both[0, 6] [%rows, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
    %inner = llm.gated silu %gate, %up : tensor<?x6xf32>
    %out = llm.linear %inner, %d : (tensor<?x6xf32>, tensor<8x6xbf16>) -> tensor<?x8xf32>
    moe.yield %out : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @scale_rows
func.func @scale_rows(%x: tensor<?x8xf32>, %g: tensor<?x1xf32>) -> tensor<?x8xf32> {
  // CHECK: moe.scale_rows %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x1xf32>
  %y = moe.scale_rows %x, %g : tensor<?x8xf32>, tensor<?x1xf32>
  return %y : tensor<?x8xf32>
}
