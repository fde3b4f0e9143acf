// What the CPU step cannot do is said at the op that asks for it.
// RUN: yoke-opt %s --yoke-lower-to-kernels --split-input-file --verify-diagnostics --mlir-print-op-on-diagnostic=false
// RUN: not yoke-opt %s --split-input-file --yoke-lower-to-kernels=level=sse4 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not yoke-opt %s --split-input-file --yoke-lower-to-kernels=max-tokens=0 2>&1 | FileCheck %s --check-prefix=TOKENS
// RUN: echo 'module {}' | not yoke-opt --yoke-lower-to-kernels 2>&1 | FileCheck %s --check-prefix=STEP

// LEVEL: error: expected level x86-64-v3 or x86-64-v4, found sse4
// TOKENS: error: expected max-tokens of at least 1, found 0
// STEP: error: expected a function @step

// expected-error @below {{expected a step of one block}}
func.func @step(%tokens: tensor<?xi32>) {
  cf.br ^bb1
^bb1:
  return
}

// -----

// expected-error @below {{expected a step of one block}}
func.func private @step(%tokens: tensor<?xi32>)

// -----

// expected-error @below {{the CPU step takes tokens, a batch and a cache; argument 1 has type 'tensor<?x8xf32>'}}
func.func @step(%tokens: tensor<?xi32>, %x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// -----

// expected-error @below {{argument 0 has type 'tensor<9x8xf32>'}}
func.func @step(%table: tensor<9x8xf32>) {
  return
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
// expected-error @below {{argument 1 has type '!llm.kv_cache}}
func.func @step(%a: !cache, %b: !cache) {
  return
}

// -----

func.func @step(%tokens: tensor<?xi32>) -> tensor<?x4xf32> {
  %e = llm.fused "rope_table"() : () -> tensor<?x4xf32> {
    %x = tensor.empty() : tensor<2x4xf32>
    %y = tensor.cast %x : tensor<2x4xf32> to tensor<?x4xf32>
    llm.yield %y : tensor<?x4xf32>
  }
  %c0 = arith.constant 0 : index
  %n = tensor.dim %e, %c0 : tensor<?x4xf32>
  // expected-error @below {{the CPU step takes slices of whole columns at constant places only}}
  %s = tensor.extract_slice %e[%n, 0] [%n, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// -----

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  %c0 = arith.constant 0 : index
  %n = tensor.dim %t, %c0 : tensor<?x4xf32>
  // expected-error @below {{the CPU step takes slices of whole columns at constant places only}}
  %s = tensor.extract_slice %t[0, %n] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  return
}

// -----

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  // expected-error @below {{the CPU step takes slices of whole columns at constant places only}}
  %s = tensor.extract_slice %t[0, 0] [2, 2] [1, 1] : tensor<?x4xf32> to tensor<2x2xf32>
  return
}

// -----

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  %c0 = arith.constant 0 : index
  %n = tensor.dim %t, %c0 : tensor<?x4xf32>
  // expected-error @below {{the CPU step takes slices of whole columns at constant places only}}
  %s = tensor.extract_slice %t[0, 0] [%n, 2] [1, 2] : tensor<?x4xf32> to tensor<?x2xf32>
  return
}

// -----

// A slice of what is no activation.
func.func @step(%tokens: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %tokens, %c0 : tensor<?xi32>
  // expected-error @below {{the CPU step takes slices of whole columns at constant places only}}
  %s = tensor.extract_slice %tokens[0] [%n] [1] : tensor<?xi32> to tensor<?xi32>
  return
}

// -----

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x8xbf16>
func.func @step(%tokens: tensor<?xi32>) {
  %w = ml_program.global_load_const @w : tensor<9x8xbf16>
  // expected-error @below {{the CPU computes tensor<?xDxf32>, found 'tensor<?x8xbf16>'}}
  %x = llm.fused "embedding"(%tokens, %w) : (tensor<?xi32>, tensor<9x8xbf16>) -> tensor<?x8xbf16> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<9x8xbf16>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<9x8xbf16>) -> tensor<?x8xbf16>
    llm.yield %e : tensor<?x8xbf16>
  }
  return
}

// -----

func.func @step(%batch: !llm.batch) {
  // expected-error @below {{the CPU computes tensor<?xDxf32>, found 'tensor<?xi32>'}}
  %t = llm.fused "positions"(%batch) : (!llm.batch) -> tensor<?xi32> {
  ^bb0(%b: !llm.batch):
    %p = llm.positions %b : tensor<?xi32>
    llm.yield %p : tensor<?xi32>
  }
  return
}

// -----

func.func @step(%batch: !llm.batch) {
  // expected-error @below {{expected a kernel of one tensor result, found 2}}
  %t:2 = llm.fused "rope_table"(%batch) : (!llm.batch) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r, %r : tensor<?x4xf32>, tensor<?x4xf32>
  }
  return
}

// -----

func.func @step(%batch: !llm.batch) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  // expected-error @below {{expected a step that returns different tensors, found one twice}}
  return %t, %t : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
func.func @step(%cache: !cache) -> !cache {
  // expected-error @below {{expected a step that returns the tensor that a kernel computes}}
  return %cache : !cache
}

// -----

// Half of what a kernel computes is not a buffer of its own.
func.func @step(%batch: !llm.batch) -> tensor<?x2xf32> {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  %c0 = arith.constant 0 : index
  %n = tensor.dim %t, %c0 : tensor<?x4xf32>
  %s = tensor.extract_slice %t[0, 0] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
  // expected-error @below {{expected a step that returns the tensor that a kernel computes}}
  return %s : tensor<?x2xf32>
}

// -----

func.func @step(%batch: !llm.batch) -> tensor<?x4xf32> {
  // expected-error @below {{the CPU has no kernel for the region cast}}
  %t = llm.fused "cast"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %x = tensor.empty() : tensor<2x4xf32>
    %y = tensor.cast %x : tensor<2x4xf32> to tensor<?x4xf32>
    llm.yield %y : tensor<?x4xf32>
  }
  return %t : tensor<?x4xf32>
}

// -----

func.func @step(%batch: !llm.batch) -> tensor<?x4xf32> {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  // expected-error @below {{the CPU step does not know math.exp}}
  %u = math.exp %t : tensor<?x4xf32>
  return %t : tensor<?x4xf32>
}

// -----

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x8xf32>
func.func @step(%tokens: tensor<?xi32>) -> tensor<?x8xf32> {
  // expected-error @below {{the weight @w has no layout; yoke-pack-weights gives it one}}
  %w = ml_program.global_load_const @w : tensor<9x8xf32>
  %x = llm.fused "embedding"(%tokens, %w) : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<9x8xf32>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
    llm.yield %e : tensor<?x8xf32>
  }
  return %x : tensor<?x8xf32>
}

// -----

// A constant serves as no operand of a kernel.
func.func @step(%tokens: tensor<?xi32>) -> tensor<?x8xf32> {
  %w = arith.constant dense<1.0> : tensor<9x8xf32>
  // expected-error @below {{the CPU step has no memory for an operand of type 'tensor<9x8xf32>'}}
  %x = llm.fused "embedding"(%tokens, %w) : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<9x8xf32>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
    llm.yield %e : tensor<?x8xf32>
  }
  return %x : tensor<?x8xf32>
}

// -----

// Three ids make no whole rows of two.
module {
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x4xf32> {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  return %t : tensor<?x4xf32>
}
func.func @head(%features: tensor<?x4xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{the CPU step reshapes whole groups of tokens' rows only}}
  %r = llm.reshape_rows %features : tensor<?x4xf32> -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}
}
