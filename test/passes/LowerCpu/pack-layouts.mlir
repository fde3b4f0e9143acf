// A weight lies as it is used: panels for what is multiplied, row-major for what is only looked up, float32 vectors.
// RUN: yoke-opt %s --yoke-pack-weights=level=x86-64-v4 | FileCheck %s
// RUN: yoke-opt %s --yoke-pack-weights=level=x86-64-v3 | FileCheck %s

// The last starts at 4288 and has two panels of 10 * 32 * 4 bytes.
// CHECK: llm.weight_bytes = 6848 : i64}
// 50 float32 values, 200 bytes, then the next multiple of 64.
// CHECK: @bias({{.*}}) : tensor<50xbf16> {llm.layout = #llm.layout<offset = 0, panel = 0, group = 1, interleave = 0>}
ml_program.global private @bias(#llm.weight<#llm.piece<"bias", offset = 0, block = 50, stride = 50, count = 1>>) : tensor<50xbf16>
// 7 rows of 10 float32.
// CHECK: @positions({{.*}}) : tensor<7x10xf32> {llm.layout = #llm.layout<offset = 256, panel = 0, group = 1, interleave = 0>}
ml_program.global private @positions(#llm.weight<#llm.piece<"positions", offset = 0, block = 7, stride = 7, count = 1>>) : tensor<7x10xf32>
// 280 bytes on; two panels of 32 rows, five pairs of bfloat16.
// CHECK: @pairs({{.*}}) : tensor<50x9xbf16> {llm.layout = #llm.layout<offset = 576, panel = 32, group = 2, interleave = 0>}
ml_program.global private @pairs(#llm.weight<#llm.piece<"pairs", offset = 0, block = 50, stride = 50, count = 1>>) : tensor<50x9xbf16>
// 2 * 5 * 32 * 4 bytes on.
// CHECK: @half({{.*}}) : tensor<50x9xf16> {llm.layout = #llm.layout<offset = 1856, panel = 32, group = 1, interleave = 0>}
ml_program.global private @half(#llm.weight<#llm.piece<"half", offset = 0, block = 50, stride = 50, count = 1>>) : tensor<50x9xf16>
// 2 * 9 * 32 * 2 bytes on. Looked up and multiplied: panels.
// CHECK: @tied({{.*}}) : tensor<20x10xf32> {llm.layout = #llm.layout<offset = 3008, panel = 32, group = 1, interleave = 0>}
ml_program.global private @tied(#llm.weight<#llm.piece<"tied", offset = 0, block = 20, stride = 20, count = 1>>) : tensor<20x10xf32>
// 10 * 32 * 4 bytes on. Two halves that meet in the kernel: 16 rows of each in a panel.
// CHECK: @gate({{.*}}) : tensor<40x10xf32> {llm.layout = #llm.layout<offset = 4288, panel = 32, group = 1, interleave = 16>}
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 40, stride = 40, count = 1>>) : tensor<40x10xf32>
// CHECK-NOT: @unread
ml_program.global private @unread(#llm.weight<#llm.piece<"unread", offset = 0, block = 40, stride = 40, count = 1>>) : tensor<40x10xf32>

func.func @step(%ids: tensor<?xi32>, %x: tensor<?x10xf32>, %y: tensor<?x9xf32>, %batch: !llm.batch) {
  %bias = ml_program.global_load_const @bias : tensor<50xbf16>
  %positions = ml_program.global_load_const @positions : tensor<7x10xf32>
  %pairs = ml_program.global_load_const @pairs : tensor<50x9xbf16>
  %half = ml_program.global_load_const @half : tensor<50x9xf16>
  %tied = ml_program.global_load_const @tied : tensor<20x10xf32>
  %gate = ml_program.global_load_const @gate : tensor<40x10xf32>
  %0 = llm.embedding %ids, %positions : (tensor<?xi32>, tensor<7x10xf32>) -> tensor<?x10xf32>
  %1 = llm.linear %y, %pairs bias %bias : (tensor<?x9xf32>, tensor<50x9xbf16>, tensor<50xbf16>) -> tensor<?x50xf32>
  %2 = llm.linear %y, %half : (tensor<?x9xf32>, tensor<50x9xf16>) -> tensor<?x50xf32>
  %3 = llm.embedding %ids, %tied : (tensor<?xi32>, tensor<20x10xf32>) -> tensor<?x10xf32>
  %4 = llm.lm_head %x, %tied, %batch : (tensor<?x10xf32>, tensor<20x10xf32>, !llm.batch) -> tensor<?x20xf32>
  %5 = llm.fused "linear.gated"(%x, %gate) : (tensor<?x10xf32>, tensor<40x10xf32>) -> tensor<?x20xf32> {
  ^bb0(%a: tensor<?x10xf32>, %w: tensor<40x10xf32>):
    %l = llm.linear %a, %w : (tensor<?x10xf32>, tensor<40x10xf32>) -> tensor<?x40xf32>
    %c0 = arith.constant 0 : index
    %n = tensor.dim %l, %c0 : tensor<?x40xf32>
    %g = tensor.extract_slice %l[0, 0] [%n, 20] [1, 1] : tensor<?x40xf32> to tensor<?x20xf32>
    %u = tensor.extract_slice %l[0, 20] [%n, 20] [1, 1] : tensor<?x40xf32> to tensor<?x20xf32>
    %o = llm.gated silu %g, %u : tensor<?x20xf32>
    llm.yield %o : tensor<?x20xf32>
  }
  return
}
