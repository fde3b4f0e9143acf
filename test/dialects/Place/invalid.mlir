// RUN: yoke-opt %s --split-input-file --verify-diagnostics

func.func @no_transfer(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    place.yield %rows : tensor<?x8xf32>
  }
  // expected-error@+1 {{expected operand 0, made on npu, to come through a place.transfer to pim}}
  %b = place.on pim(%a) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    place.yield %rows : tensor<?x8xf32>
  }
  return %b : tensor<?x8xf32>
}

// -----

func.func @wrong_destination(%x: tensor<?x8xf32>) {
  %t = place.transfer %x from cpu to npu : tensor<?x8xf32>
  // expected-error@+1 {{expected operand 0 to be transferred to pim, found a transfer to npu}}
  place.on pim(%t) : (tensor<?x8xf32>) -> () {
  ^bb0(%rows: tensor<?x8xf32>):
    place.yield
  }
  return
}

// -----

func.func @arguments(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{expected the region's arguments to have the operands' types}}
  place.on pim(%x) : (tensor<?x8xf32>) -> () {
  ^bb0(%rows: tensor<?x4xf32>):
    place.yield
  }
  return
}

// -----

func.func @results(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{expected the region to end with a place.yield of the results' types}}
  %0 = place.on pim(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    place.yield
  }
  return
}

// -----

func.func @nowhere(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{expected two devices, found npu twice}}
  %t = place.transfer %x from npu to npu : tensor<?x8xf32>
  return
}

// -----

func.func @other_source(%x: tensor<?x8xf32>) {
  %a = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    place.yield %rows : tensor<?x8xf32>
  }
  // expected-error@+1 {{expected a transfer from npu, which made the value, found one from cpu}}
  %t = place.transfer %a from cpu to pim : tensor<?x8xf32>
  return
}

// -----

// expected-error@+1 {{expects parent op 'place.on'}}
func.func @yield_outside() { "place.yield"() : () -> () }
