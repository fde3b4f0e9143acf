// What the verifiers refuse, one case per rule.
// RUN: yoke-opt %s -split-input-file -verify-diagnostics

func.func @f(%logits: tensor<?x4xf32>) {
  // expected-error @+1 {{expected top_k from 1 to the 4 experts that there are, found 5}}
  %w, %e = moe.route softmax %logits {top_k = 5} : tensor<?x4xf32> -> tensor<?x5xf32>, tensor<?x5xi32>
  return
}

// -----

func.func @f(%logits: tensor<?x4xf32>) {
  // expected-error @+1 {{expected top_k from 1 to the 4 experts that there are, found 0}}
  %w, %e = moe.route softmax %logits {top_k = 0} : tensor<?x4xf32> -> tensor<?x0xf32>, tensor<?x0xi32>
  return
}

// -----

func.func @f(%logits: tensor<?x4xf32>) {
  // expected-error @+1 {{expected a finite scale}}
  %w, %e = moe.route softmax %logits {top_k = 2, scale = 0x7F800000 : f32} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>) {
  // expected-error @+1 {{expected at least one matrix an expert}}
  %y = moe.experts %x, %w, %e, () : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x3xf32>, %e: tensor<?x2xi32>, %m: tensor<4x8x8xf32>) {
  // expected-error @+1 {{expected one weight for each of the 2 experts of a token, found 3}}
  %y = moe.experts %x, %w, %e, (%m) : (tensor<?x8xf32>, tensor<?x3xf32>, tensor<?x2xi32>, tensor<4x8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>, %a: tensor<8x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>, %m: tensor<4x8x8xf32>, %n: tensor<3x8x8xf32>) {
  // expected-error @+1 {{expected matrices of 4 experts as the first ones are, found 3}}
  %y = moe.experts %x, %w, %e, (%m, %n) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x8x8xf32>, tensor<3x8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>, %a: tensor<8x8xf32>, %b: tensor<8x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x5xf32>, %e: tensor<?x5xi32>, %m: tensor<4x8x8xf32>) {
  // expected-error @+1 {{expected from 1 to 4 experts a token, found 5}}
  %y = moe.experts %x, %w, %e, (%m) : (tensor<?x8xf32>, tensor<?x5xf32>, tensor<?x5xi32>, tensor<4x8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>, %a: tensor<8x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>, %m: tensor<4x8x8xf32>) {
  // expected-error @+1 {{expected the region's arguments to be rows of x and the matrices of one expert}}
  %y = moe.experts %x, %w, %e, (%m) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>, %a: tensor<4x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>, %m: tensor<4x8x8xf32>) {
  // expected-error @+1 {{expected the region's arguments to be rows of x and the matrices of one expert}}
  %y = moe.experts %x, %w, %e, (%m) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>, %m: tensor<4x8x8xf32>) {
  // expected-error @+1 {{expected the region to end with a moe.yield of the result's type}}
  %y = moe.experts %x, %w, %e, (%m) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x8x8xf32>) -> tensor<?x7xf32> {
  ^bb0(%r: tensor<?x8xf32>, %a: tensor<8x8xf32>):
    moe.yield %r : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<?x2xf32>) {
  // expected-error @+1 {{expected factors of one column, found 2}}
  %y = moe.scale_rows %x, %g : tensor<?x8xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{expected groups to divide the 8 experts that there are, found 3}}
  %w, %e = moe.route softmax %l {top_k = 2, groups = 3} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{expected top_groups from 1 to the 4 groups that there are, found 5}}
  %w, %e = moe.route softmax %l {top_k = 2, groups = 4, top_groups = 5} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{expected top_k of at most the 2 experts of top_groups groups, found 3}}
  %w, %e = moe.route softmax %l {top_k = 3, groups = 4} : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{expected groups of two experts or more with pairs}}
  %w, %e = moe.route softmax %l {top_k = 2, groups = 8, top_groups = 2, pairs} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expected a bias with sigmoid scoring only}}
  %w, %e = moe.route softmax %l bias %b : tensor<8xf32> {top_k = 2, normalize} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>, %b: tensor<7xf32>) {
  // expected-error @+1 {{expected a bias of 8 elements, found 7}}
  %w, %e = moe.route sigmoid %l bias %b : tensor<7xf32> {top_k = 2, normalize} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}
