// Experts become one kernel with the router that chooses them and the element-wise ops after them.
// RUN: yoke-opt %s --yoke-form-kernels | FileCheck %s

// CHECK-LABEL: @experts
func.func @experts(%x: tensor<?x8xf32>, %r: tensor<?x8xf32>, %logits: tensor<?x4xf32>, %gate_up: tensor<4x12x8xbf16>, %down: tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  // CHECK-NEXT: llm.fused "route.experts.addf"(
  // CHECK-NOT: llm.fused
  // CHECK: moe.route
  // CHECK: moe.experts
  // CHECK: llm.gated
  // CHECK: arith.addf
  // CHECK: return
  %w, %e = moe.route softmax %logits {top_k = 2, normalize} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
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
  %s = arith.addf %r, %y : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// A router that two layers read is computed in each.
// CHECK-LABEL: @shared_router
func.func @shared_router(%x: tensor<?x8xf32>, %logits: tensor<?x4xf32>, %gate_up: tensor<4x12x8xbf16>, %down: tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "route.experts"(
  // CHECK: llm.fused "route.experts"(
  // CHECK-NOT: llm.fused
  // CHECK: return
  %w, %e = moe.route softmax %logits {top_k = 2} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
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
  %z = moe.experts %y, %w, %e, (%gate_up, %down) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x12x8xbf16>, tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
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
  return %z : tensor<?x8xf32>
}

// The gate of a shared expert follows the projection that makes it.
// CHECK-LABEL: @gated_rows
func.func @gated_rows(%x: tensor<?x8xf32>, %g: tensor<?x1xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: llm.fused "linear.scale_rows"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y = moe.scale_rows %l, %g : tensor<?x8xf32>, tensor<?x1xf32>
  return %y : tensor<?x8xf32>
}
