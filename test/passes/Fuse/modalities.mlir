// In each region by modality the projections of what it yields become one, and its ops become kernels that stay inside.
// RUN: yoke-opt %s --pass-pipeline='builtin.module(yoke-concat-projections,func.func(yoke-form-kernels))' | FileCheck %s

ml_program.global private @q0(#llm.weight<#llm.piece<"q0", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
ml_program.global private @k0(#llm.weight<#llm.piece<"k0", offset = 0, block = 4, stride = 4, count = 1>>) : tensor<4x8xf32>
ml_program.global private @q1(#llm.weight<#llm.piece<"q1", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
ml_program.global private @k1(#llm.weight<#llm.piece<"k1", offset = 0, block = 4, stride = 4, count = 1>>) : tensor<4x8xf32>

// CHECK-DAG: ml_program.global private @"q0+k0"
// CHECK-DAG: ml_program.global private @"q1+k1"
// CHECK-LABEL: @step
func.func @step(%tokens: tensor<?xi32>, %x: tensor<?x8xf32>, %g: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %m = llm.modalities %tokens {begins = array<i64: 8>, ends = array<i64: 16>, numbers = array<i64: 1>}
  // CHECK: llm.by_modality
  // CHECK: ml_program.global_load_const @"q0+k0"
  // CHECK: llm.fused "rms_norm.linear"
  // CHECK: llm.yield %{{.*}} : tensor<?x12xf32>
  // CHECK: tensor.extract_slice
  // CHECK: llm.yield %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x4xf32>
  // CHECK: }, {
  // CHECK: ml_program.global_load_const @"q1+k1"
  // CHECK: llm.fused "rms_norm.linear"
  // CHECK: llm.yield %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x4xf32>
  %y:2 = llm.by_modality %m(%x) : (tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  ^bb0(%rows: tensor<?x8xf32>):
    %wq = ml_program.global_load_const @q0 : tensor<8x8xf32>
    %wk = ml_program.global_load_const @k0 : tensor<4x8xf32>
    %n = llm.rms_norm %rows, %g {epsilon = 1.0e-6 : f32} : tensor<?x8xf32>, tensor<8xf32>
    %q = llm.linear %n, %wq : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %k = llm.linear %n, %wk : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    llm.yield %q, %k : tensor<?x8xf32>, tensor<?x4xf32>
  }, {
  ^bb0(%rows: tensor<?x8xf32>):
    %wq = ml_program.global_load_const @q1 : tensor<8x8xf32>
    %wk = ml_program.global_load_const @k1 : tensor<4x8xf32>
    %n = llm.rms_norm %rows, %g {epsilon = 1.0e-6 : f32} : tensor<?x8xf32>, tensor<8xf32>
    %q = llm.linear %n, %wq : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %k = llm.linear %n, %wk : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    llm.yield %q, %k : tensor<?x8xf32>, tensor<?x4xf32>
  }
  return %y#0, %y#1 : tensor<?x8xf32>, tensor<?x4xf32>
}
