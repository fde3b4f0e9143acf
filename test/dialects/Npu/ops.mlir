// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt %s --mlir-print-op-generic | yoke-opt | FileCheck %s
// RUN: yoke-opt %s -emit-bytecode | yoke-opt | FileCheck %s

// CHECK: npu.program @decode target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped scratchpad 1048576 stream 41943040
npu.program @decode target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped scratchpad 1048576 stream 41943040 {
  // CHECK: npu.stage "blocks" {
  npu.stage "blocks" {
    // CHECK: %[[BEGIN:.*]] = npu.join
    %0 = npu.join
    // CHECK: %[[LAST:.*]] = npu.repeat 32 rows 416(%[[BEGIN]]) {
    %1 = npu.repeat 32 rows 416(%0) {
    // CHECK: ^bb0(%[[ROWS:.*]]: !npu.token):
    ^bb0(%rows: !npu.token):
      // CHECK: npu.movin qkv resident : <4096x128xf16>
      %w = npu.movin qkv resident : !npu.tile<4096x128xf16>
      // CHECK: npu.vector norm after(%[[ROWS]] : !npu.token) cycles 96
      %n = npu.vector norm after(%rows : !npu.token) cycles 96
      // CHECK: npu.gemm qkv(%{{.*}}, %{{.*}} : !npu.tile<4096x128xf16>, !npu.token) rows 256 cycles 1024 latency 256
      %y = npu.gemm qkv(%w, %n : !npu.tile<4096x128xf16>, !npu.token) rows 256 cycles 1024 latency 256
      // CHECK: npu.free %{{.*}} : <4096x128xf16> after(%{{.*}} : !npu.token)
      %f = npu.free %w : !npu.tile<4096x128xf16> after(%y : !npu.token)
      // CHECK: npu.all_reduce link after(%{{.*}} : !npu.token) bytes 2097152 devices 4
      %s = npu.all_reduce link after(%y : !npu.token) bytes 2097152 devices 4
      // CHECK: npu.movout attend after(%{{.*}} : !npu.token) bytes 1024 to channel 3 bank 4 row 32751
      %q = npu.movout attend after(%s : !npu.token) bytes 1024 to channel 3 bank 4 row 32751
      // CHECK: npu.join after(%{{.*}}, %{{.*}} : !npu.token, !npu.token) mark
      %end = npu.join after(%s, %q : !npu.token, !npu.token) mark
      // CHECK: npu.yield %
      npu.yield %end
    }
  }
  // CHECK: npu.stage "head" {
  npu.stage "head" {
    // CHECK: npu.movin head : <1x77xi8>
    %k = npu.movin head : !npu.tile<1x77xi8>
    // CHECK: npu.movin head resident after(%{{.*}} : !npu.tile<1x77xi8>) : <128x2xi4>
    %v = npu.movin head resident after(%k : !npu.tile<1x77xi8>) : !npu.tile<128x2xi4>
    // CHECK: npu.gemm head(%{{.*}} : !npu.tile<128x2xi4>) rows 0 cycles 16 preload frees
    %g = npu.gemm head(%v : !npu.tile<128x2xi4>) rows 0 cycles 16 preload frees
    // CHECK: npu.vector softmax after(%{{.*}} : !npu.token) cycles 3 pim_stream
    %p = npu.vector softmax after(%g : !npu.token) cycles 3 pim_stream
    // CHECK: npu.movout softmax after(%{{.*}} : !npu.token) bytes 64 pim_stream
    %o = npu.movout softmax after(%p : !npu.token) bytes 64 pim_stream
  }
}

// CHECK: npu.program @empty target "npu-only" <channels = 1, banks = 1, rows = 1, row_bytes = 1> policy published_npu {
npu.program @empty target "npu-only" <channels = 1, banks = 1, rows = 1, row_bytes = 1> policy published_npu {
}
