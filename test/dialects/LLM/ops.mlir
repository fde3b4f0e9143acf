// Every op, attribute and type: printed as written, and the same through the generic form and through bytecode.
// RUN: yoke-opt %s | FileCheck %s
// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --mlir-print-op-generic %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --emit-bytecode %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --mlir-print-op-generic %s | FileCheck %s --check-prefix=GENERIC

!cache = !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>
// CHECK-DAG: #[[ROPE:.+]] = #llm.rope<frequencies = [1.0, 0.1, 0.33333334, 1.0e-05], magnitude = 1.25>
#rope = #llm.rope<frequencies = [1.0, 0.1, 0.33333334, 1.0e-5], magnitude = 1.25>
// CHECK-DAG: #[[LONG:.+]] = #llm.rope<frequencies = [1.0], magnitude = 1.0, long_frequencies = [0.25], long_magnitude = 1.19, long_from = 4096>
#long = #llm.rope<long_from = 4096, long_magnitude = 1.19, long_frequencies = [0.25], frequencies = [1.0]>

// CHECK: module attributes {test.layout = #llm.layout<offset = 4096, panel = 16, group = 2, interleave = 8>}
module attributes {test.layout = #llm.layout<offset = 4096, panel = 16, group = 2, interleave = 8>} {

// CHECK: ml_program.global private @one(#llm.weight<<"q.weight", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x64xbf16>
ml_program.global private @one(#llm.weight<#llm.piece<"q.weight", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x64xbf16>
// CHECK: @two(#llm.weight<<"qkv.weight", offset = 32, block = 16, stride = 48, count = 2>, <"c.weight", offset = 0, block = 32, stride = 32, count = 1, transposed = true>>)
ml_program.global private @two(#llm.weight<#llm.piece<"qkv.weight", offset = 32, block = 16, stride = 48, count = 2>,
  #llm.piece<"c.weight", offset = 0, block = 32, stride = 32, count = 1, transposed = true>>) : tensor<64x64xf16>

// CHECK-LABEL: @entry
func.func @entry(%tokens: tensor<?xi32>, %batch: !llm.batch, %table: tensor<97x8xbf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[P:.+]] = llm.positions %{{.+}} : tensor<?xi32>
  // GENERIC: "llm.positions"(%{{.+}}) : (!llm.batch) -> tensor<?xi32>
  %positions = llm.positions %batch : tensor<?xi32>
  // CHECK: llm.embedding %{{.+}}, %{{.+}} : (tensor<?xi32>, tensor<97x8xbf16>) -> tensor<?x8xf32>
  %x = llm.embedding %tokens, %table : (tensor<?xi32>, tensor<97x8xbf16>) -> tensor<?x8xf32>
  // CHECK: llm.embedding %[[P]], %{{.+}} {offset = 2 : i64} : (tensor<?xi32>, tensor<97x8xbf16>) -> tensor<?x8xf32>
  // GENERIC: "llm.embedding"(%{{.+}}, %{{.+}}) <{offset = 2 : i64}>
  %y = llm.embedding %positions, %table {offset = 2 : i64} : (tensor<?xi32>, tensor<97x8xbf16>) -> tensor<?x8xf32>
  return %x, %y : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @projections
func.func @projections(%x: tensor<?x64xf32>, %w: tensor<96x64xf16>, %b: tensor<96xf32>, %batch: !llm.batch,
                       %q4: tensor<96x64x!llm.quant<i4, group = 32, scale = f16>>,
                       %q8: tensor<96x64x!llm.quant<i8, group = 64, scale = bf16, asymmetric = true>>) {
  // CHECK: llm.linear %{{.+}}, %{{.+}} : (tensor<?x64xf32>, tensor<96x64xf16>) -> tensor<?x96xf32>
  %0 = llm.linear %x, %w : (tensor<?x64xf32>, tensor<96x64xf16>) -> tensor<?x96xf32>
  // CHECK: llm.linear %{{.+}}, %{{.+}} bias %{{.+}} : (tensor<?x64xf32>, tensor<96x64xf16>, tensor<96xf32>) -> tensor<?x96xf32>
  %1 = llm.linear %x, %w bias %b : (tensor<?x64xf32>, tensor<96x64xf16>, tensor<96xf32>) -> tensor<?x96xf32>
  // CHECK: llm.linear {{.+}} tensor<96x64x!llm.quant<i4, group = 32, scale = f16>>
  %2 = llm.linear %x, %q4 : (tensor<?x64xf32>, tensor<96x64x!llm.quant<i4, group = 32, scale = f16>>) -> tensor<?x96xf32>
  // CHECK: llm.linear {{.+}} tensor<96x64x!llm.quant<i8, group = 64, scale = bf16, asymmetric = true>>
  %3 = llm.linear %x, %q8 : (tensor<?x64xf32>, tensor<96x64x!llm.quant<i8, group = 64, scale = bf16, asymmetric = true>>) -> tensor<?x96xf32>
  // CHECK: llm.linear {{.+}} {x_type = i8}
  %6 = llm.linear %x, %q4 {x_type = i8} : (tensor<?x64xf32>, tensor<96x64x!llm.quant<i4, group = 32, scale = f16>>) -> tensor<?x96xf32>
  // CHECK: llm.lm_head {{.+}} {x_type = i16}
  %7 = llm.lm_head %x, %q8, %batch {x_type = i16} : (tensor<?x64xf32>, tensor<96x64x!llm.quant<i8, group = 64, scale = bf16, asymmetric = true>>, !llm.batch) -> tensor<?x96xf32>
  // CHECK: llm.lm_head %{{.+}}, %{{.+}}, %{{.+}} : (tensor<?x64xf32>, tensor<96x64xf16>, !llm.batch) -> tensor<?x96xf32>
  %4 = llm.lm_head %x, %w, %batch : (tensor<?x64xf32>, tensor<96x64xf16>, !llm.batch) -> tensor<?x96xf32>
  // CHECK: llm.lm_head %{{.+}}, %{{.+}}, %{{.+}} bias %{{.+}} : (tensor<?x64xf32>, tensor<96x64xf16>, !llm.batch, tensor<96xf32>) -> tensor<?x96xf32>
  %5 = llm.lm_head %x, %w, %batch bias %b : (tensor<?x64xf32>, tensor<96x64xf16>, !llm.batch, tensor<96xf32>) -> tensor<?x96xf32>
  return
}

// CHECK-LABEL: @rows
func.func @rows(%x: tensor<?x24xf32>, %g: tensor<24xbf16>, %h: tensor<8xbf16>, %b: tensor<24xf32>) {
  // CHECK: llm.rms_norm %{{.+}}, %{{.+}} {epsilon = 9.99999974E-6 : f32} : tensor<?x24xf32>, tensor<24xbf16>
  %0 = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x24xf32>, tensor<24xbf16>
  // CHECK: llm.rms_norm %{{.+}}, %{{.+}} {epsilon = 0.000000e+00 : f32, scale_offset = 1.000000e+00 : f32} : tensor<?x24xf32>, tensor<8xbf16>
  %1 = llm.rms_norm %x, %h {epsilon = 0.0 : f32, scale_offset = 1.0 : f32} : tensor<?x24xf32>, tensor<8xbf16>
  // CHECK: llm.layer_norm %{{.+}}, %{{.+}} {epsilon = 1.250000e-01 : f32} : tensor<?x24xf32>, tensor<24xbf16>
  %2 = llm.layer_norm %x, %g {epsilon = 0.125 : f32} : tensor<?x24xf32>, tensor<24xbf16>
  // CHECK: llm.layer_norm %{{.+}}, %{{.+}} bias %{{.+}} {epsilon = 1.250000e-01 : f32} : tensor<?x24xf32>, tensor<24xbf16>, tensor<24xf32>
  %3 = llm.layer_norm %x, %g bias %b {epsilon = 0.125 : f32} : tensor<?x24xf32>, tensor<24xbf16>, tensor<24xf32>
  // CHECK: llm.scale %{{.+}} {factor = 8.000000e+00 : f32} : tensor<?x24xf32>
  %4 = llm.scale %x {factor = 8.0 : f32} : tensor<?x24xf32>
  // CHECK: llm.softcap %{{.+}} {cap = 3.000000e+01 : f32} : tensor<?x24xf32>
  %5 = llm.softcap %x {cap = 30.0 : f32} : tensor<?x24xf32>
  // CHECK: llm.bias %{{.+}}, %{{.+}} : tensor<?x24xf32>, tensor<24xf32>
  %6 = llm.bias %x, %b : tensor<?x24xf32>, tensor<24xf32>
  return
}

// CHECK-LABEL: @activations
func.func @activations(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %h: tensor<4x8xbf16>) {
  // CHECK: llm.activation silu %{{.+}} : tensor<?x8xf32>
  // GENERIC: "llm.activation"(%{{.+}}) <{kind = #llm<activation silu>}>
  %0 = llm.activation silu %x : tensor<?x8xf32>
  // CHECK: llm.activation gelu %
  %1 = llm.activation gelu %x : tensor<?x8xf32>
  // CHECK: llm.activation gelu_tanh %
  %2 = llm.activation gelu_tanh %x : tensor<?x8xf32>
  // CHECK: llm.activation gelu_quick %
  %3 = llm.activation gelu_quick %x : tensor<?x8xf32>
  // CHECK: llm.activation relu %
  %4 = llm.activation relu %x : tensor<?x8xf32>
  // CHECK: llm.activation relu_squared %
  %5 = llm.activation relu_squared %x : tensor<?x8xf32>
  // CHECK: llm.activation tanh %
  %6 = llm.activation tanh %x : tensor<?x8xf32>
  // CHECK: llm.activation sigmoid %{{.+}} : tensor<4x8xbf16>
  %7 = llm.activation sigmoid %h : tensor<4x8xbf16>
  // CHECK: llm.gated gelu_tanh %{{.+}}, %{{.+}} : tensor<?x8xf32>
  // GENERIC: "llm.gated"(%{{.+}}, %{{.+}}) <{kind = #llm<activation gelu_tanh>}>
  %8 = llm.gated gelu_tanh %x, %y : tensor<?x8xf32>
  return
}

// CHECK-LABEL: @rope
func.func @rope(%x: tensor<?x24xf32>, %batch: !llm.batch) {
  // CHECK: llm.rope_table %{{.+}} {rope = #[[ROPE]]} : tensor<?x8xf32>
  %0 = llm.rope_table %batch {rope = #rope} : tensor<?x8xf32>
  // CHECK: llm.rope_table %{{.+}} {rope = #[[LONG]]} : tensor<?x2xf32>
  %1 = llm.rope_table %batch {rope = #long} : tensor<?x2xf32>
  // CHECK: llm.rope %{{.+}}, %{{.+}} {head_dim = 12 : i64} : tensor<?x24xf32>, tensor<?x8xf32>
  %2 = llm.rope %x, %0 {head_dim = 12 : i64, style = #llm.rope_style<half>} : tensor<?x24xf32>, tensor<?x8xf32>
  // CHECK: llm.rope %{{.+}}, %{{.+}} {head_dim = 12 : i64, style = #llm.rope_style<interleaved>} : tensor<?x24xf32>, tensor<?x2xf32>
  // GENERIC: "llm.rope"(%{{.+}}, %{{.+}}) <{head_dim = 12 : i64, style = #llm.rope_style<interleaved>}>
  %3 = llm.rope %x, %1 {head_dim = 12, style = #llm.rope_style<interleaved>} : tensor<?x24xf32>, tensor<?x2xf32>
  return
}

// CHECK-LABEL: @attention
// CHECK-SAME: !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>
func.func @attention(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !cache) -> !cache {
  // CHECK: llm.attention %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} {heads = 3 : i64, kv_heads = 1 : i64, scale = 5.000000e-01 : f32} : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  %0 = llm.attention %q, %k, %v, %batch {heads = 3, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<causal>}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  // CHECK: llm.attention {{.+}} {heads = 3 : i64, kv_heads = 1 : i64, mask = #llm.mask<bidirectional>, scale = 5.000000e-01 : f32}
  %1 = llm.attention %q, %k, %v, %batch {heads = 3, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  // CHECK: %{{.+}}, %[[CACHE:.+]] = llm.attention %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} cache %{{.+}} {heads = 3 : i64, kv_heads = 1 : i64, layer = 1 : i64, scale = 5.000000e-01 : f32, softcap = 5.000000e+01 : f32, window = 4096 : i64} : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>)
  // GENERIC: "llm.attention"({{.+}}) <{heads = 3 : i64, kv_heads = 1 : i64, layer = 1 : i64, {{(mask = #llm.mask<causal>, )?}}scale = 5.000000e-01 : f32, softcap = 5.000000e+01 : f32, window = 4096 : i64}>
  %2, %cache1 = llm.attention %q, %k, %v, %batch cache %cache
    {heads = 3, kv_heads = 1, layer = 1, scale = 0.5 : f32, window = 4096, softcap = 50.0 : f32}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x24xf32>, !cache)
  // CHECK: return %[[CACHE]]
  return %cache1 : !cache
}

// CHECK-LABEL: @pools
func.func @pools(%x: tensor<?x8xf32>, %batch: !llm.batch) {
  // CHECK: llm.pool mean %{{.+}}, %{{.+}} {normalize} : tensor<?x8xf32>
  // GENERIC: "llm.pool"(%{{.+}}, %{{.+}}) <{kind = #llm<pool_kind mean>, normalize}>
  %0 = llm.pool mean %x, %batch {normalize} : tensor<?x8xf32>
  // CHECK: llm.pool first %{{.+}}, %{{.+}} : tensor<?x8xf32>
  %1 = llm.pool first %x, %batch : tensor<?x8xf32>
  // CHECK: llm.pool last %{{.+}}, %{{.+}} : tensor<?x8xf32>
  %2 = llm.pool last %x, %batch : tensor<?x8xf32>
  return
}

// CHECK-LABEL: @fused
func.func @fused(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %{{.+}}:2 = llm.fused "rms_norm.scale"(%{{.+}}, %{{.+}}) : (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NEXT: ^bb0(%[[X:.+]]: tensor<?x8xf32>, %[[G:.+]]: tensor<8xf32>):
  %0:2 = llm.fused "rms_norm.scale" (%x, %g) : (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  ^bb0(%x0: tensor<?x8xf32>, %g0: tensor<8xf32>):
    // CHECK-NEXT: %[[N:.+]] = llm.rms_norm %[[X]], %[[G]]
    %n = llm.rms_norm %x0, %g0 {epsilon = 0.0 : f32} : tensor<?x8xf32>, tensor<8xf32>
    // CHECK-NEXT: %[[S:.+]] = llm.scale %[[N]]
    %s = llm.scale %n {factor = 2.0 : f32} : tensor<?x8xf32>
    // CHECK-NEXT: llm.yield %[[N]], %[[S]] : tensor<?x8xf32>, tensor<?x8xf32>
    llm.yield %n, %s : tensor<?x8xf32>, tensor<?x8xf32>
  }
  // CHECK: llm.fused "nothing"() : () -> () {
  // CHECK-NEXT: llm.yield
  llm.fused "nothing" () : () -> () {
    llm.yield
  }
  return %0#0, %0#1 : tensor<?x8xf32>, tensor<?x8xf32>
}
}

// CHECK-LABEL: @heads
func.func @heads(%x: tensor<?x8xf32>, %w: tensor<2x5x3xbf16>) {
  // CHECK: llm.head_linear %{{.+}}, %{{.+}} {first = 1 : i64} : (tensor<?x8xf32>, tensor<2x5x3xbf16>) -> tensor<?x10xf32>
  %0 = llm.head_linear %x, %w {first = 1} : (tensor<?x8xf32>, tensor<2x5x3xbf16>) -> tensor<?x10xf32>
  // CHECK: llm.concat_heads %{{.+}}, %{{.+}} {heads = 2 : i64} : tensor<?x8xf32>, tensor<?x10xf32>
  %1 = llm.concat_heads %x, %0 {heads = 2} : tensor<?x8xf32>, tensor<?x10xf32>
  return
}

// CHECK-LABEL: @reshaped
func.func @reshaped(%x: tensor<?x8xf32>) {
  // CHECK: llm.reshape_rows %{{.+}} : tensor<?x8xf32> -> tensor<?x2xf32>
  %0 = llm.reshape_rows %x : tensor<?x8xf32> -> tensor<?x2xf32>
  // CHECK: llm.reshape_rows %{{.+}} : tensor<?x2xf32> -> tensor<?x6xf32>
  %1 = llm.reshape_rows %0 : tensor<?x2xf32> -> tensor<?x6xf32>
  return
}
