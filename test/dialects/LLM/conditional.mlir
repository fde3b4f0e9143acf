// Regions that rows skip: printed as written, and the same through the generic form and through bytecode.
// RUN: yoke-opt %s | FileCheck %s
// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --mlir-print-op-generic %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --emit-bytecode %s | yoke-opt | FileCheck %s

// CHECK-LABEL: @skip
func.func @skip(%x: tensor<?x8xf32>, %p: tensor<?xi32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[Y:.*]], %[[LEFT:.*]] = llm.ffn_skip %{{.*}} at %{{.*}} {k = 2 : i64, tau = 7.500000e-01 : f32, warm_up = 16 : i64} : tensor<?x8xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x8xf32>):
  %y, %left = llm.ffn_skip %x at %p {warm_up = 16, tau = 0.75 : f32, k = 2} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %d = llm.linear %rows, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    // CHECK: llm.yield %{{.*}} : tensor<?x8xf32>
    llm.yield %d : tensor<?x8xf32>
  }
  // CHECK: llm.ffn_skip %[[Y]] after %[[LEFT]] at %{{.*}} {k = 1 : i64, record, tau = -1.000000e+00 : f32, warm_up = 0 : i64} : tensor<?x8xf32> {
  %z, %left1 = llm.ffn_skip %y after %left at %p {warm_up = 0, tau = -1.0 : f32, k = 1, record} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %d = llm.activation relu %rows : tensor<?x8xf32>
    llm.yield %d : tensor<?x8xf32>
  }
  return %z : tensor<?x8xf32>
}
