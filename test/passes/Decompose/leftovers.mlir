// What reads the batch, the cache or a quantised weight stays as it is, and is reported once for each kind of op.
// RUN: yoke-opt %s --yoke-decompose --verify-diagnostics --split-input-file --mlir-print-op-on-diagnostic=false | FileCheck %s
// RUN: not yoke-opt %s --yoke-decompose=complete --split-input-file --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s --check-prefix=COMPLETE

// CHECK-LABEL: func @step
// CHECK: llm.attention
// CHECK-NOT: llm.scale
// CHECK: llm.attention
// CHECK: llm.lm_head
// COMPLETE: error: 2 llm.attention stay
// COMPLETE: error: 1 llm.lm_head stays
func.func @step(%q: tensor<?x8xf32>, %k: tensor<?x8xf32>, %w: tensor<5x8xf32>, %batch: !llm.batch) -> tensor<?x5xf32> {
  // expected-remark @below {{2 llm.attention stay: what a token sees is in the batch and the cache}}
  %0 = llm.attention %q, %k, %k, %batch {heads = 2, kv_heads = 2, scale = 0.5 : f32}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 3.0 : f32} : tensor<?x8xf32>
  %2 = llm.attention %1, %k, %k, %batch {heads = 2, kv_heads = 2, scale = 0.5 : f32}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  // expected-remark @below {{1 llm.lm_head stays: the rows wanted are in the batch}}
  %3 = llm.lm_head %2, %w, %batch : (tensor<?x8xf32>, tensor<5x8xf32>, !llm.batch) -> tensor<?x5xf32>
  return %3 : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: func @quantised
// CHECK: llm.linear
// CHECK-NOT: linalg
func.func @quantised(%x: tensor<?x64xf32>, %w: tensor<8x64x!llm.quant<i4, group = 32, scale = f16>>) -> tensor<?x8xf32> {
  // expected-remark @below {{1 llm.linear stays: its weight is quantised}}
  %0 = llm.linear %x, %w : (tensor<?x64xf32>, tensor<8x64x!llm.quant<i4, group = 32, scale = f16>>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8xf32>
// CHECK-LABEL: func @weight
// CHECK: ml_program.global_load_const
// CHECK: linalg.generic
func.func @weight(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-remark @below {{1 ml_program.global_load_const stays: weights get their place in memory when they are packed}}
  %w = ml_program.global_load_const @w : tensor<8xf32>
  %0 = llm.bias %x, %w : tensor<?x8xf32>, tensor<8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func @pool
// CHECK-NEXT: llm.pool
func.func @pool(%x: tensor<?x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  // expected-remark @below {{1 llm.pool stays: the rows wanted are in the batch}}
  %0 = llm.pool mean %x, %batch {normalize} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
