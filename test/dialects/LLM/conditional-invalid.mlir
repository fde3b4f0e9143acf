// What the verifiers of regions that rows skip refuse, one case per rule.
// RUN: yoke-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<?x8xbf16>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected rows of f32, found 'tensor<?x8xbf16>'}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0.9 : f32, k = 1} : tensor<?x8xbf16> {
  ^bb0(%rows: tensor<?x8xbf16>):
    llm.yield %rows : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected warm_up of 0 or more, found -1}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = -1, tau = 0.9 : f32, k = 1} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected k of at least 1, found 0}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0.9 : f32, k = 0} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected a finite tau}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0x7FC00000 : f32, k = 1} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield %rows : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected the region's one argument to be rows of x}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0.9 : f32, k = 1} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x4xf32>):
    llm.yield %rows : tensor<?x4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected the region to end with an llm.yield of x's type}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0.9 : f32, k = 1} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    llm.yield
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>) {
  // expected-error @+1 {{expected a region that reads only its own rows and weights, found a use of 'tensor<?x8xf32>' by llm.activation}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0.9 : f32, k = 1} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %d = llm.activation relu %x : tensor<?x8xf32>
    llm.yield %d : tensor<?x8xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %p: tensor<?xi32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected a region that reads only its own rows and weights, found a use of '!llm.batch' by llm.pool}}
  %y, %l = llm.ffn_skip %x at %p {warm_up = 0, tau = 0.9 : f32, k = 1} : tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %d = llm.pool mean %rows, %batch : tensor<?x8xf32>
    llm.yield %d : tensor<?x8xf32>
  }
  return
}
