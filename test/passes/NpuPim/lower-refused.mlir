// RUN: yoke-opt %s --split-input-file --verify-diagnostics --yoke-lower-npu-pim="target=%S/../../../examples/targets/neupims.json"

func.func @cpu(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{cannot be lowered to NPU and PIM commands: it is placed on cpu}}
  %0 = place.on cpu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    place.yield %a : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}

// -----

func.func @unplaced(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    place.yield %a : tensor<?x8xf32>
  }
  // expected-error @below {{expected this kernel to be placed: run --yoke-partition before}}
  %1 = llm.fused "scale"(%0) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    %s = llm.scale %a {factor = 2.0 : f32} : tensor<?x8xf32>
    llm.yield %s : tensor<?x8xf32>
  }
  return %1 : tensor<?x8xf32>
}

// -----

func.func @long_heads(%q: tensor<?x1024xf32>, %batch: !llm.batch) -> tensor<?x1024xf32> {
  %0 = place.on pim(%q, %batch) : (tensor<?x1024xf32>, !llm.batch) -> tensor<?x1024xf32> {
  ^bb0(%a: tensor<?x1024xf32>, %b: !llm.batch):
    // expected-error @below {{cannot be lowered to PIM commands: a head of 1024 elements is longer than a row of 1024 bytes}}
    %r = llm.attention %a, %a, %a, %b {heads = 1, kv_heads = 1, scale = 0.125 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x1024xf32>, tensor<?x1024xf32>, tensor<?x1024xf32>, !llm.batch) -> tensor<?x1024xf32>
    place.yield %r : tensor<?x1024xf32>
  }
  return %0 : tensor<?x1024xf32>
}

// -----

func.func @two_shapes(%q: tensor<?x128xf32>, %batch: !llm.batch) -> tensor<?x128xf32> {
  %0 = place.on npu(%q, %batch) : (tensor<?x128xf32>, !llm.batch) -> tensor<?x128xf32> {
  ^bb0(%a: tensor<?x128xf32>, %b: !llm.batch):
    %r = llm.attention %a, %a, %a, %b {heads = 1, kv_heads = 1, scale = 0.125 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !llm.batch) -> tensor<?x128xf32>
    // expected-error @below {{cannot be lowered to NPU and PIM commands beside attention of another shape: expected 1 heads of 128 and 1 of keys, found 2 of 64 and 2}}
    %s = llm.attention %r, %r, %r, %b {heads = 2, kv_heads = 2, scale = 0.125 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !llm.batch) -> tensor<?x128xf32>
    place.yield %s : tensor<?x128xf32>
  }
  return %0 : tensor<?x128xf32>
}

// -----

// expected-error @below {{keys and values take 0 rows of a channel, matrices in the banks}}
func.func @too_large(%x: tensor<?x65536xf32>) -> tensor<?x4194304xf32> {
  %0 = place.on pim(%x) : (tensor<?x65536xf32>) -> tensor<?x4194304xf32> {
  ^bb0(%a: tensor<?x65536xf32>):
    %w = ml_program.global_load_const @w : tensor<4194304x65536xbf16>
    %y = llm.linear %a, %w : (tensor<?x65536xf32>, tensor<4194304x65536xbf16>) -> tensor<?x4194304xf32>
    place.yield %y : tensor<?x4194304xf32>
  }
  return %0 : tensor<?x4194304xf32>
}
ml_program.global private @w(#llm.weight<<"w", offset = 0, block = 4194304, stride = 4194304, count = 1>>) : tensor<4194304x65536xbf16>

// -----

// expected-error @below {{@plain: expected attention, feed-forward networks and a head}}
func.func @plain(%x: tensor<?x8xf32>) -> tensor<?x8xf32> attributes
    {place.schedule = #place.schedule<overlapped, sub_batches = 1, attention = pim, devices = 1, rows = 1, lengths = [4], channels = [0]>} {
  %0 = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    place.yield %a : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}
