// RUN: yoke-opt %s --yoke-pack-weights --split-input-file --verify-diagnostics --mlir-print-op-on-diagnostic=false
// RUN: not yoke-opt %s --split-input-file --yoke-pack-weights=level=x86-64-v2 2>&1 | FileCheck %s --check-prefix=LEVEL

// LEVEL: error: expected level x86-64-v3 or x86-64-v4, found x86-64-v2

// expected-error @below {{the CPU has no layout for a weight of type 'tensor<64x64x!llm.quant<i4, group = 32, scale = f16>>'}}
ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x64x!llm.quant<i4, group = 32, scale = f16>>
func.func @step() {
  %w = ml_program.global_load_const @w : tensor<64x64x!llm.quant<i4, group = 32, scale = f16>>
  return
}

// -----

// expected-error @below {{the CPU has no layout for a weight of type 'tensor<4xi32>'}}
ml_program.global private @w(dense<1> : tensor<4xi32>) : tensor<4xi32>
func.func @step() {
  %w = ml_program.global_load_const @w : tensor<4xi32>
  return
}

// -----

// expected-error @below {{the CPU has no layout for a weight of type 'tensor<2x2x2x2xf32>'}}
ml_program.global private @w(dense<1.0> : tensor<2x2x2x2xf32>) : tensor<2x2x2x2xf32>
func.func @step() {
  %w = ml_program.global_load_const @w : tensor<2x2x2x2xf32>
  return
}

// -----

// What nobody reads may have any type.
ml_program.global private @w(dense<1> : tensor<4xi32>) : tensor<4xi32>
func.func @step() {
  return
}

// -----

// Halves that meet in a kernel lie side by side, which no other reader expects.
// expected-error @below {{the CPU has no layout for a weight that is both a gate's and read otherwise}}
ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x8xf32>
func.func @step(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @w : tensor<16x8xf32>
  %0 = llm.fused "linear.gated"(%x, %w) : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>, %b: tensor<16x8xf32>):
    %l = llm.linear %a, %b : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
    %c0 = arith.constant 0 : index
    %n = tensor.dim %l, %c0 : tensor<?x16xf32>
    %g = tensor.extract_slice %l[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
    %u = tensor.extract_slice %l[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
    %o = llm.gated silu %g, %u : tensor<?x8xf32>
    llm.yield %o : tensor<?x8xf32>
  }
  %1 = llm.linear %0, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  return %0 : tensor<?x8xf32>
}
