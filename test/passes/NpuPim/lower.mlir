// Kernels one by one, each on its device.
// RUN: yoke-opt %s --yoke-lower-npu-pim="target=%S/../../../examples/targets/neupims.json context=99" | FileCheck %s
// What it makes has a binary form, and runs.
// RUN: yoke-opt %s --yoke-lower-npu-pim="target=%S/../../../examples/targets/neupims.json context=99" | yoke-translate --serialize-commands -o %t.bin
// RUN: yoke-sim --system %S/../../../examples/targets/neupims.json %t.bin | FileCheck %s --check-prefix=SIM
// A target without rows of that kind.
// RUN: not yoke-opt %s --yoke-lower-npu-pim="target=%S/../../../examples/targets/a100.json" 2>&1 | FileCheck %s --check-prefix=GPU
// RUN: not yoke-opt %s --yoke-lower-npu-pim="target=missing.json" 2>&1 | FileCheck %s --check-prefix=MISSING

// SIM: memory commands, all legal
// GPU: error: target '{{.*}}' has no npu and memory to make commands for
// MISSING: error: missing.json

// Weights and functions are gone.
// CHECK-NOT: ml_program.global
// CHECK-NOT: func.func
// CHECK: npu.program @step target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped scratchpad 67109000 {
// CHECK-NEXT: npu.stage "step" {
// The norm goes to a vector unit, the projection to the arrays, 128 columns at a time.
// CHECK-DAG: npu.movin qkv resident : <64x128xf16>
// CHECK-DAG: npu.vector norm cycles 10
// CHECK-DAG: npu.gemm qkv({{.*}}) rows 1 cycles 128 latency 256
// Keys, values and the query are written to rows of the request's channel; 100 tokens are four rows of keys of one head.
// CHECK: %[[QUERY:.*]] = npu.movout attend after({{.*}}) bytes 128 to channel 0 bank 2 row 32767
// CHECK: %[[LOGITS:.*]] = pim.run logit on 0 after(%[[QUERY]] : !npu.token) {
// CHECK-NEXT: pim.gwrite bank 2 row 32767
// CHECK-NEXT: pim.repeat 4 step 1 {
// CHECK-NEXT: pim.tile row 16384 comps 4 {
// CHECK-NEXT: pim.comps_readres column 0 count 4
// CHECK: %[[SOFTMAX:.*]] = npu.vector softmax after(%[[LOGITS]] : !npu.token) cycles 5
// Features of the head are in 32 banks of two rows.
// CHECK: pim.run attend on 0
// CHECK-NEXT: pim.gwrite bank 3 row 32767
// CHECK-NEXT: pim.repeat 2 step 1 {
// CHECK-NEXT: pim.tile row 16388 comps 7 {
// 100 outputs of a matrix in the banks are 32 banks of four channels.
// CHECK: pim.run projection on 0
// CHECK-NEXT: pim.gwrite
// CHECK-NEXT: pim.tile row 32751 comps 4 {
// CHECK: pim.run projection on 3
// CHECK-NOT: pim.run projection
// CHECK: npu.join after({{.*}}) mark
module {
  ml_program.global private @scale(#llm.weight<<"scale", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64xbf16>
  ml_program.global private @qkv(#llm.weight<<"qkv", offset = 0, block = 192, stride = 192, count = 1>>) : tensor<192x64xbf16>
  ml_program.global private @o(#llm.weight<<"o", offset = 0, block = 100, stride = 100, count = 1>>) : tensor<100x64xbf16>
  func.func @step(%x: tensor<?x64xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>)
      -> (tensor<?x100xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>) attributes {llm.class = array<i64: 1, 1>} {
    %0 = place.on npu(%x) : (tensor<?x64xf32>) -> tensor<?x192xf32> {
    ^bb0(%rows: tensor<?x64xf32>):
      %scale = ml_program.global_load_const @scale : tensor<64xbf16>
      %qkv = ml_program.global_load_const @qkv : tensor<192x64xbf16>
      %k = llm.fused "rms_norm.linear"(%rows, %scale, %qkv) : (tensor<?x64xf32>, tensor<64xbf16>, tensor<192x64xbf16>) -> tensor<?x192xf32> {
      ^bb0(%a: tensor<?x64xf32>, %s: tensor<64xbf16>, %w: tensor<192x64xbf16>):
        %n = llm.rms_norm %a, %s {epsilon = 1.0E-5 : f32} : tensor<?x64xf32>, tensor<64xbf16>
        %y = llm.linear %n, %w : (tensor<?x64xf32>, tensor<192x64xbf16>) -> tensor<?x192xf32>
        llm.yield %y : tensor<?x192xf32>
      }
      place.yield %k : tensor<?x192xf32>
    }
    %c0 = arith.constant 0 : index
    %count = tensor.dim %0, %c0 : tensor<?x192xf32>
    %q = tensor.extract_slice %0[0, 0] [%count, 64] [1, 1] : tensor<?x192xf32> to tensor<?x64xf32>
    %k = tensor.extract_slice %0[0, 64] [%count, 64] [1, 1] : tensor<?x192xf32> to tensor<?x64xf32>
    %v = tensor.extract_slice %0[0, 128] [%count, 64] [1, 1] : tensor<?x192xf32> to tensor<?x64xf32>
    %qp = place.transfer %q from npu to pim : tensor<?x64xf32>
    %kp = place.transfer %k from npu to pim : tensor<?x64xf32>
    %vp = place.transfer %v from npu to pim : tensor<?x64xf32>
    %1:2 = place.on pim(%qp, %kp, %vp, %batch, %cache) : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, !llm.batch, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>)
        -> (tensor<?x100xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>) {
    ^bb0(%a: tensor<?x64xf32>, %b: tensor<?x64xf32>, %c: tensor<?x64xf32>, %d: !llm.batch, %e: !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>):
      %o = ml_program.global_load_const @o : tensor<100x64xbf16>
      %f:2 = llm.fused "attention"(%a, %b, %c, %d, %e) : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, !llm.batch, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>)
          -> (tensor<?x64xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>) {
      ^bb0(%a1: tensor<?x64xf32>, %b1: tensor<?x64xf32>, %c1: tensor<?x64xf32>, %d1: !llm.batch, %e1: !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>):
        %r, %new = llm.attention %a1, %b1, %c1, %d1 cache %e1 {heads = 1, kv_heads = 1, scale = 0.125 : f32}
          : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, !llm.batch, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>)
          -> (tensor<?x64xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>)
        llm.yield %r, %new : tensor<?x64xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>
      }
      %g = llm.fused "linear"(%f#0, %o) : (tensor<?x64xf32>, tensor<100x64xbf16>) -> tensor<?x100xf32> {
      ^bb0(%a1: tensor<?x64xf32>, %w: tensor<100x64xbf16>):
        %y = llm.linear %a1, %w : (tensor<?x64xf32>, tensor<100x64xbf16>) -> tensor<?x100xf32>
        llm.yield %y : tensor<?x100xf32>
      }
      place.yield %g, %f#1 : tensor<?x100xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>
    }
    return %1#0, %1#1 : tensor<?x100xf32>, !llm.kv_cache<layers = 1, heads = 1, head_dim = 64, f32>
  }
}
