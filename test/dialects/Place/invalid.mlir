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

// -----

// expected-error @below {{expected 1 or 2 sub-batches, found 3}}
func.func private @schedule() attributes {place.schedule = #place.schedule<overlapped, sub_batches = 3, attention = pim, devices = 1, rows = 1, lengths = [4], channels = [0]>}

// -----

// expected-error @below {{expected attention on npu or pim, found gpu}}
func.func private @schedule() attributes {place.schedule = #place.schedule<stages, sub_batches = 1, attention = gpu, devices = 1, rows = 1, lengths = [4], channels = [0]>}

// -----

// expected-error @below {{expected at least one device and one row, found 0 and 1}}
func.func private @schedule() attributes {place.schedule = #place.schedule<overlapped, sub_batches = 1, attention = pim, devices = 0, rows = 1, lengths = [4], channels = [0]>}

// -----

// expected-error @below {{expected as many channels as lengths, at least one, found 1 and 2}}
func.func private @schedule() attributes {place.schedule = #place.schedule<overlapped, sub_batches = 1, attention = pim, devices = 1, rows = 1, lengths = [4, 5], channels = [0]>}

// -----

// expected-error @below {{expected lengths from the 5 new tokens to 2^20 and channels from 0 to 32767, found 4 and 0}}
func.func private @schedule() attributes {place.schedule = #place.schedule<overlapped, sub_batches = 1, attention = pim, devices = 1, rows = 5, lengths = [4], channels = [0]>}
