// The section's size is that of the weights, each rounded up to 64 bytes.
// RUN: yoke-opt %s --yoke-pack-weights --split-input-file | FileCheck %s

// 130 float32 values, 520 bytes.
// CHECK: llm.weight_bytes = 576 : i64
ml_program.global private @a(#llm.weight<#llm.piece<"a", offset = 0, block = 130, stride = 130, count = 1>>) : tensor<130xf16>
func.func @step() -> tensor<130xf16> {
  %a = ml_program.global_load_const @a : tensor<130xf16>
  return %a : tensor<130xf16>
}

// -----

// CHECK: llm.weight_bytes = 0 : i64
// CHECK-NOT: @a
ml_program.global private @a(#llm.weight<#llm.piece<"a", offset = 0, block = 130, stride = 130, count = 1>>) : tensor<130xf16>
func.func @step() {
  return
}
