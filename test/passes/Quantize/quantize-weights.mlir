// Matrices that are multiplied become quantised; a table keeps its type and the head beside it gets a copy; routers and vectors stay.
// RUN: yoke-opt %s --yoke-quantize-weights=weights=q8 | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: yoke-opt %s --yoke-quantize-weights=weights=q4 | FileCheck %s --check-prefixes=CHECK,Q4
// RUN: yoke-opt %s --yoke-quantize-weights=weights=q4-asymmetric | FileCheck %s --check-prefixes=CHECK,ASYMMETRIC
// RUN: yoke-opt %s --yoke-quantize-weights | FileCheck %s --check-prefix=NOTHING
// RUN: not yoke-opt %s --yoke-quantize-weights=weights=q3 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: expected weights of q8, q4, q4-plain or q4-asymmetric, found q3
// NOTHING-NOT: quantized

// Q8: llm.model = {weight_type = "q8"}
module attributes {llm.model = {weight_type = "bf16"}} {
// CHECK: @embed(#llm.weight<<"embed"{{.*}}>>) : tensor<40x64xbf16>
// Q8: @embed.quantized(#llm.weight<<"embed"{{.*}}>>) : tensor<40x64x!llm.quant<i8, group = 32, scale = bf16>>
// Q4: @embed.quantized(#llm.weight<coding = searched :{{.*}}<"embed"{{.*}}>>) : tensor<40x64x!llm.quant<i4, group = 32, scale = bf16>>
// ASYMMETRIC: @embed.quantized({{.*}}) : tensor<40x64x!llm.quant<i4, group = 32, scale = bf16, asymmetric = true>>
ml_program.global private @embed(#llm.weight<#llm.piece<"embed", offset = 0, block = 40, stride = 40, count = 1>>) : tensor<40x64xbf16>
// Q8: @w({{.*}}) : tensor<64x64x!llm.quant<i8, group = 32, scale = bf16>>
ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x64xf32>
// CHECK: @bias({{.*}}) : tensor<64xf32>
ml_program.global private @bias(#llm.weight<#llm.piece<"bias", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64xf32>
// CHECK: @router({{.*}}) : tensor<4x64xf32>
ml_program.global private @router(#llm.weight<#llm.piece<"router", offset = 0, block = 4, stride = 4, count = 1>>) : tensor<4x64xf32>
// Q8: @experts({{.*}}) : tensor<4x64x64x!llm.quant<i8, group = 32, scale = bf16>>
ml_program.global private @experts(#llm.weight<#llm.piece<"experts", offset = 0, block = 256, stride = 256, count = 1>>) : tensor<4x64x64xf32>
// CHECK: @stored({{.*}}) : tensor<64x64x!llm.quant<i4, group = 64, scale = f16>>
ml_program.global private @stored(#llm.weight<coding = stored : #llm.piece<"stored", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x64x!llm.quant<i4, group = 64, scale = f16>>

func.func @step(%ids: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x40xf32> {
  %embed = ml_program.global_load_const @embed : tensor<40x64xbf16>
  %w = ml_program.global_load_const @w : tensor<64x64xf32>
  %bias = ml_program.global_load_const @bias : tensor<64xf32>
  %router = ml_program.global_load_const @router : tensor<4x64xf32>
  %experts = ml_program.global_load_const @experts : tensor<4x64x64xf32>
  %stored = ml_program.global_load_const @stored : tensor<64x64x!llm.quant<i4, group = 64, scale = f16>>
  %x = llm.embedding %ids, %embed : (tensor<?xi32>, tensor<40x64xbf16>) -> tensor<?x64xf32>
  %y = llm.linear %x, %w bias %bias : (tensor<?x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %z = llm.linear %y, %stored : (tensor<?x64xf32>, tensor<64x64x!llm.quant<i4, group = 64, scale = f16>>) -> tensor<?x64xf32>
  %logits = llm.linear %z, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %p, %e = moe.route softmax %logits {top_k = 2} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  // Q8: moe.experts {{.*}} tensor<4x64x64x!llm.quant<i8, group = 32, scale = bf16>>
  // Q8-NEXT: ^bb0(%{{.*}}: tensor<?x64xf32>, %{{.*}}: tensor<64x64x!llm.quant<i8, group = 32, scale = bf16>>):
  %m = moe.experts %z, %p, %e, (%experts) : (tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x64x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%a: tensor<?x64xf32>, %b: tensor<64x64xf32>):
    %r = llm.linear %a, %b : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    moe.yield %r : tensor<?x64xf32>
  }
  // Q8: llm.lm_head {{.*}} tensor<40x64x!llm.quant<i8, group = 32, scale = bf16>>
  %h = llm.lm_head %m, %embed, %batch : (tensor<?x64xf32>, tensor<40x64xbf16>, !llm.batch) -> tensor<?x40xf32>
  return %h : tensor<?x40xf32>
}
}
