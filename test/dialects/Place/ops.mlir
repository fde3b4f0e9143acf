// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt %s --mlir-print-op-generic | yoke-opt | FileCheck %s
// RUN: yoke-opt %s --emit-bytecode | yoke-opt | FileCheck %s

// CHECK-LABEL: func.func @two_devices
func.func @two_devices(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[A:.*]] = place.on npu(%{{.*}}) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %0 = llm.scale %rows {factor = 2.0 : f32} : tensor<?x8xf32>
    // CHECK: place.yield %{{.*}} : tensor<?x8xf32>
    place.yield %0 : tensor<?x8xf32>
  }
  // CHECK: %[[B:.*]] = place.transfer %[[A]] from npu to pim : tensor<?x8xf32>
  %b = place.transfer %a from npu to pim : tensor<?x8xf32>
  // CHECK: place.on pim(%[[B]])
  %c = place.on pim(%b) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    place.yield %rows : tensor<?x8xf32>
  }
  // CHECK: place.on cpu() : () -> () {
  place.on cpu() : () -> () {
    place.yield
  }
  return %c : tensor<?x8xf32>
}

// CHECK: func.func private @scheduled() attributes {place.schedule = #place.schedule<overlapped, sub_batches = 2, attention = pim, devices = 1, rows = 1, lengths = [4, 7], channels = [0, 1]>}
func.func private @scheduled() attributes {place.schedule = #place.schedule<overlapped, sub_batches = 2, attention = pim, devices = 1, rows = 1, lengths = [4, 7], channels = [0, 1]>}
