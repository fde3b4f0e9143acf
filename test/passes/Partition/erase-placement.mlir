// RUN: yoke-opt %s --yoke-erase-placement | FileCheck %s

// CHECK-LABEL: @placed
// CHECK-NEXT: %[[A:.*]] = llm.scale %arg0 {factor = 2.000000e+00 : f32}
// CHECK-NEXT: %[[B:.*]] = llm.scale %[[A]] {factor = 3.000000e+00 : f32}
// CHECK-NEXT: return %[[B]]
func.func @placed(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %0 = llm.scale %rows {factor = 2.0 : f32} : tensor<?x8xf32>
    place.yield %0 : tensor<?x8xf32>
  }
  %t = place.transfer %a from npu to pim : tensor<?x8xf32>
  %b = place.on pim(%t) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %0 = llm.scale %rows {factor = 3.0 : f32} : tensor<?x8xf32>
    place.yield %0 : tensor<?x8xf32>
  }
  return %b : tensor<?x8xf32>
}

// CHECK-LABEL: @not_placed
// CHECK-NEXT: llm.scale
// CHECK-NEXT: return
func.func @not_placed(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.scale %x {factor = 2.0 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
