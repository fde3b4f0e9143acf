// A function without such ops is left alone.
// RUN: yoke-opt %s --yoke-decompose --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @plain
// CHECK-NEXT: %[[DIM:.+]] = tensor.dim %arg0, %arg2
// CHECK-NEXT: %[[SLICE:.+]] = tensor.extract_slice %arg0[0, 4] [%[[DIM]], 4] [1, 1]
// CHECK-NEXT: %[[SUM:.+]] = arith.addf %arg1, %arg1 : f32
// CHECK-NEXT: return %[[SLICE]], %[[SUM]]
func.func @plain(%x: tensor<?x8xf32>, %s: f32, %i: index) -> (tensor<?x4xf32>, f32) {
  %rows = tensor.dim %x, %i : tensor<?x8xf32>
  %y = tensor.extract_slice %x[0, 4] [%rows, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %t = arith.addf %s, %s : f32
  return %y, %t : tensor<?x4xf32>, f32
}
