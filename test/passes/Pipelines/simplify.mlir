// Canonical form, one of each equal op, nothing that nobody reads; and no op of a dialect that does not belong there.
// RUN: yoke-opt %s --split-input-file --yoke-simplify --verify-diagnostics --mlir-print-op-on-diagnostic=false | FileCheck %s

// CHECK: ml_program.global private @read
// CHECK-NOT: @unread
ml_program.global private @read(#llm.weight<#llm.piece<"r", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8xf32>
ml_program.global private @unread(#llm.weight<#llm.piece<"u", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8xf32>
// CHECK-LABEL: @step
func.func @step(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NEXT: %[[B:.+]] = ml_program.global_load_const @read
  // CHECK-NEXT: %[[L:.+]] = llm.linear %{{.+}}, %{{.+}} bias %[[B]]
  // CHECK-NEXT: return %[[L]], %[[L]]
  %b = ml_program.global_load_const @read : tensor<8xf32>
  %0 = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %1 = llm.bias %0, %b : tensor<?x8xf32>, tensor<8xf32>
  %c = ml_program.global_load_const @read : tensor<8xf32>
  %2 = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %3 = llm.bias %2, %c : tensor<?x8xf32>, tensor<8xf32>
  %4 = llm.scale %3 {factor = 2.0 : f32} : tensor<?x8xf32>
  return %1, %3 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

func.func @step(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{stage simplify leaves tosa.exp, which the next stage does not know}}
  %0 = tosa.exp %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
