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

// -----

// Two panels of two blocks, each 512 bytes of integers and 64 of scales; with zero points 128; of a table a token reads one row.
// CHECK: llm.token_bytes = 4880 : i64, llm.weight_bytes = 4992 : i64
// CHECK: @q({{.*}}) : {{.*}} {llm.layout = #llm.layout<offset = 0, panel = 32, group = 32, interleave = 0>}
// CHECK: @z({{.*}}) : {{.*}} {llm.layout = #llm.layout<offset = 2304, panel = 32, group = 32, interleave = 0>}
ml_program.global private @q(#llm.weight<#llm.piece<"q", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x40x!llm.quant<i4, group = 32, scale = bf16>>
ml_program.global private @z(#llm.weight<#llm.piece<"z", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x40x!llm.quant<i4, group = 64, scale = f16, asymmetric = true>>
ml_program.global private @t(#llm.weight<#llm.piece<"t", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x4xf32>
func.func @step(%x: tensor<?x40xf32>, %ids: tensor<?xi32>) {
  %q = ml_program.global_load_const @q : tensor<64x40x!llm.quant<i4, group = 32, scale = bf16>>
  %z = ml_program.global_load_const @z : tensor<64x40x!llm.quant<i4, group = 64, scale = f16, asymmetric = true>>
  %t = ml_program.global_load_const @t : tensor<8x4xf32>
  %0 = llm.linear %x, %q : (tensor<?x40xf32>, tensor<64x40x!llm.quant<i4, group = 32, scale = bf16>>) -> tensor<?x64xf32>
  %1 = llm.linear %x, %z : (tensor<?x40xf32>, tensor<64x40x!llm.quant<i4, group = 64, scale = f16, asymmetric = true>>) -> tensor<?x64xf32>
  %2 = llm.embedding %ids, %t : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// A stack of four matrices, two of which a token is multiplied with.
// CHECK: llm.token_bytes = 2304 : i64, llm.weight_bytes = 4608 : i64
ml_program.global private @s(#llm.weight<#llm.piece<"s", offset = 0, block = 128, stride = 128, count = 1>>) : tensor<4x32x64x!llm.quant<i4, group = 32, scale = bf16>>
func.func @step(%x: tensor<?x64xf32>, %w: tensor<?x2xf32>, %e: tensor<?x2xi32>) {
  %s = ml_program.global_load_const @s : tensor<4x32x64x!llm.quant<i4, group = 32, scale = bf16>>
  %0 = moe.experts %x, %w, %e, (%s) : (tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x32x64x!llm.quant<i4, group = 32, scale = bf16>>) -> tensor<?x32xf32> {
  ^bb0(%a: tensor<?x64xf32>, %b: tensor<32x64x!llm.quant<i4, group = 32, scale = bf16>>):
    %r = llm.linear %a, %b : (tensor<?x64xf32>, tensor<32x64x!llm.quant<i4, group = 32, scale = bf16>>) -> tensor<?x32xf32>
    moe.yield %r : tensor<?x32xf32>
  }
  return
}
