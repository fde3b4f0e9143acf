// Decomposed ops bufferize with upstream's pass: no tensor is left. Around ops that stay, tensors are left at their edges alone.
// RUN: yoke-opt %s --yoke-decompose=complete --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --split-input-file | FileCheck %s --implicit-check-not=tensor --implicit-check-not=llm.

// CHECK-LABEL: func @layer
// CHECK-SAME: memref<9x24xbf16>
// CHECK: linalg.matmul
func.func @layer(%ids: tensor<?xi32>, %table: tensor<9x24xbf16>, %g: tensor<24xf32>, %b: tensor<24xf32>, %w: tensor<40x24xbf16>, %wb: tensor<40xf32>,
                 %angles: tensor<?x6xf32>, %hg: tensor<8xf32>, %r: tensor<?x40xf32>) -> tensor<?x40xf32> {
  %0 = llm.embedding %ids, %table : (tensor<?xi32>, tensor<9x24xbf16>) -> tensor<?x24xf32>
  %1 = llm.scale %0 {factor = 4.0 : f32} : tensor<?x24xf32>
  %2 = llm.layer_norm %1, %g bias %b {epsilon = 1.0e-5 : f32} : tensor<?x24xf32>, tensor<24xf32>, tensor<24xf32>
  %3 = llm.linear %2, %w bias %wb : (tensor<?x24xf32>, tensor<40x24xbf16>, tensor<40xf32>) -> tensor<?x40xf32>
  %4 = llm.rms_norm %3, %hg {epsilon = 1.0e-5 : f32} : tensor<?x40xf32>, tensor<8xf32>
  %5 = llm.rope %4, %angles {head_dim = 8} : tensor<?x40xf32>, tensor<?x6xf32>
  %6 = llm.gated silu %5, %3 : tensor<?x40xf32>
  %7 = llm.activation gelu %6 : tensor<?x40xf32>
  %8 = llm.softcap %7 {cap = 30.0 : f32} : tensor<?x40xf32>
  %9 = llm.bias %8, %wb : tensor<?x40xf32>, tensor<40xf32>
  %10 = arith.addf %9, %r : tensor<?x40xf32>
  return %10 : tensor<?x40xf32>
}
