// Choices become an attribute of the regions that multiply with a matrix, by their key or all with *, and the kernels follow it.
// RUN: yoke-opt %s --yoke-fuse --yoke-tune-kernels="choices=linear:64x8xbf16@prefetch=512,unroll=2;*@rows=3" | FileCheck %s
// RUN: yoke-opt %s --yoke-fuse --yoke-tune-kernels="choices=linear:64x8xbf16@prefetch=512;linear:8x64xf32@dealt=2" --yoke-lower-kernels=level=x86-64-v4 | FileCheck %s --check-prefix=CODE
// Nothing is chosen, nothing changes.
// RUN: yoke-opt %s --yoke-fuse --yoke-tune-kernels | FileCheck %s --check-prefix=NONE
// RUN: yoke-opt %s --yoke-fuse --yoke-tune-kernels="choices=linear:9x9xf32@rows=3" | FileCheck %s --check-prefix=NONE
// A step that is measured tells the number of each kernel.
// RUN: yoke-opt %s --yoke-fuse --yoke-lower-kernels="level=x86-64-v4 timed=true" | FileCheck %s --check-prefix=TIMED
// RUN: not yoke-opt %s --yoke-fuse --yoke-tune-kernels="choices=*@rows=13" 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not yoke-opt %s --yoke-fuse --yoke-tune-kernels="choices=*@speed=2" 2>&1 | FileCheck %s --check-prefix=NAME

// CHECK: llm.fused "embedding"{{.*}}) :
// CHECK: llm.fused "linear"{{.*}} {llm.tuning = {prefetch = 512 : i64, unroll = 2 : i64}} :
// CHECK: llm.fused "linear"{{.*}} {llm.tuning = {rows = 3 : i64}} :
// NONE-NOT: llm.tuning
// One kernel for each, the first with prefetches, the second with runs of two panels.
// CODE: func.func private @linear(
// CODE: memref.prefetch
// CODE: func.func private @linear_0(
// CODE-NOT: memref.prefetch
// CODE: func.func @yoke_step
// TIMED: llvm.mlir.global external @yoke_mark()
// TIMED: llvm.mlir.global external constant @yoke_kernels("\0Alinear:64x8xbf16\0Alinear:8x64xf32\0A\0Alm_head:9x8xf32\0A\00")
// TIMED: func.func @yoke_step
// TIMED: llvm.mlir.addressof @yoke_mark
// TIMED-COUNT-6: llvm.load
// RANGE: choice: expected rows once, an integer in [1, 12], found "13"
// NAME: choice: expected rows, unroll, prefetch, dealt or panels, found "speed"
ml_program.global private @e(#llm.weight<#llm.piece<"e", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x8xf32>
ml_program.global private @a(#llm.weight<#llm.piece<"a", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<64x8xbf16>
ml_program.global private @b(#llm.weight<#llm.piece<"b", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x64xf32>

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x9xf32>, !cache) {
  %e = ml_program.global_load_const @e : tensor<9x8xf32>
  %a = ml_program.global_load_const @a : tensor<64x8xbf16>
  %b = ml_program.global_load_const @b : tensor<8x64xf32>
  %x = llm.embedding %tokens, %e : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
  %0 = llm.linear %x, %a : (tensor<?x8xf32>, tensor<64x8xbf16>) -> tensor<?x64xf32>
  %1 = llm.linear %0, %b : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %2, %c = llm.attention %1, %1, %1, %batch cache %cache {heads = 1, kv_heads = 1, scale = 0.5 : f32, layer = 0}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)
  %l = llm.lm_head %2, %e, %batch : (tensor<?x8xf32>, tensor<9x8xf32>, !llm.batch) -> tensor<?x9xf32>
  return %l, %c : tensor<?x9xf32>, !cache
}
