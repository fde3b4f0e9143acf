// Around ops that stay, tensors are left at their edges alone.
// RUN: yoke-opt %s --yoke-decompose --one-shot-bufferize="bufferize-function-boundaries allow-unknown-ops" 2>/dev/null | FileCheck %s

// CHECK-LABEL: func @step
// CHECK: linalg.matmul {{.*}}memref
// CHECK: %[[Q:.+]] = bufferization.to_tensor
// CHECK: %[[A:.+]] = llm.attention
// CHECK: bufferization.to_buffer %[[A]]
// CHECK: linalg.generic {{.*}}memref
func.func @step(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %q = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %0 = llm.attention %q, %q, %q, %batch {heads = 2, kv_heads = 2, scale = 0.5 : f32}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 3.0 : f32} : tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
