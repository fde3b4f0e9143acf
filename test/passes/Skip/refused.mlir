// Layers without a feed-forward block of their own are named: what it computes is read elsewhere, or it reads other rows.
// RUN: not yoke-opt %s --yoke-skip-ffn="first=0 last=1" -split-input-file 2>&1 | FileCheck %s

// CHECK: error: layer 0 has no feed-forward block x + f(x) of its own that rows could skip
func.func @step(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %batch: !llm.batch) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %a = llm.attention %x, %x, %x, %batch {heads = 1, kv_heads = 1, scale = 1.0 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %d = llm.linear %a, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y = arith.addf %a, %d : tensor<?x8xf32>
  return %y, %d : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// A parallel residual: attention and the block start from one x.
// CHECK: error: layer 0 has no feed-forward block x + f(x) of its own that rows could skip
func.func @step(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %a = llm.attention %x, %x, %x, %batch {heads = 1, kv_heads = 1, scale = 1.0 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %d = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %s = arith.addf %d, %a : tensor<?x8xf32>
  %y = arith.addf %s, %x : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK: error: expected a function @step of one block that takes a batch
func.func @step(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
