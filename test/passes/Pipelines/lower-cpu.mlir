// From an imported module to the LLVM dialect, stage by stage.
// RUN: yoke-opt %s --yoke-simplify --yoke-fuse --yoke-lower-cpu="level=x86-64-v4 max-tokens=16" | FileCheck %s
// RUN: yoke-opt %s --yoke-simplify --yoke-fuse --yoke-lower-cpu=level=x86-64-v3 | FileCheck %s --check-prefix=V3
// RUN: yoke-opt %s --yoke-simplify --yoke-fuse --yoke-lower-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: yoke-opt %s --yoke-simplify --yoke-fuse | FileCheck %s --check-prefix=FUSED
// RUN: not yoke-opt %s --yoke-simplify --yoke-fuse --yoke-lower-cpu=level=x86-64-v1 2>&1 | FileCheck %s --check-prefix=LEVEL

// LEVEL: error: expected level x86-64-v3 or x86-64-v4, found x86-64-v1

// CHECK: max_tokens = 16 : i64
// CHECK-DAG: llvm.func @_mlir_ciface_yoke_step(
// CHECK-DAG: llvm.func @yoke_step(
// CHECK-DAG: vector<16xf32>
// CHECK-NOT: ml_program.global
// V3: max_tokens = 512 : i64
// V3-NOT: vector<16xf32>
// V3: vector<8xf32>
// V3-NOT: vector<16xf32>
// KERNELS: ml_program.global private @w
// KERNELS-SAME: llm.layout
// KERNELS: vector.load
// FUSED: llm.fused "embedding"
// FUSED: llm.fused "rms_norm.lm_head"
ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 37, stride = 37, count = 1>>) : tensor<37x20xf32>
ml_program.global private @g(#llm.weight<#llm.piece<"g", offset = 0, block = 20, stride = 20, count = 1>>) : tensor<20xf32>
// Read by nobody: simplify takes it away.
// FUSED-NOT: @unused
ml_program.global private @unused(#llm.weight<#llm.piece<"u", offset = 0, block = 20, stride = 20, count = 1>>) : tensor<20xf32>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x37xf32> {
  %w = ml_program.global_load_const @w : tensor<37x20xf32>
  %g = ml_program.global_load_const @g : tensor<20xf32>
  %x = llm.embedding %tokens, %w : (tensor<?xi32>, tensor<37x20xf32>) -> tensor<?x20xf32>
  %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x20xf32>, tensor<20xf32>
  %y = llm.lm_head %n, %w, %batch : (tensor<?x20xf32>, tensor<37x20xf32>, !llm.batch) -> tensor<?x37xf32>
  return %y : tensor<?x37xf32>
}
