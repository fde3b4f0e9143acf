// Projections that stay apart.
// RUN: yoke-opt %s --yoke-concat-projections --split-input-file | FileCheck %s
// RUN: yoke-opt %s --yoke-concat-projections --split-input-file --remarks-filter="yoke-.*" --remark-format=emitRemark \
// RUN:   -o /dev/null 2>&1 | count 0

// CHECK-NOT: "gate+up"
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @bias(#llm.weight<#llm.piece<"bias", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12xf32>
// CHECK-LABEL: @one_has_a_bias
func.func @one_has_a_bias(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %b = ml_program.global_load_const @bias : tensor<12xf32>
  %g = llm.linear %x, %wg bias %b : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

// CHECK-NOT: "gate+up"
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @bias(#llm.weight<#llm.piece<"bias", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12xf32>
// CHECK-LABEL: @both_have_one_bias
func.func @both_have_one_bias(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %b = ml_program.global_load_const @bias : tensor<12xf32>
  %g = llm.linear %x, %wg bias %b : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu bias %b : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

// CHECK-NOT: "gate+up"
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xbf16>
// CHECK-LABEL: @element_types_differ
func.func @element_types_differ(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xbf16>
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xbf16>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

// CHECK-NOT: "gate+up"
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
// CHECK-LABEL: @inputs_differ
func.func @inputs_differ(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %u = llm.linear %z, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

// CHECK-NOT: "gate+up"
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
// CHECK-LABEL: @the_load_has_another_reader
func.func @the_load_has_another_reader(%x: tensor<?x8xf32>) -> (tensor<?x12xf32>, tensor<?x12xf32>) {
  // CHECK-COUNT-3: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  %z = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  return %y, %z : tensor<?x12xf32>, tensor<?x12xf32>
}

// -----

// CHECK-NOT: "gate+up"
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
// CHECK-LABEL: @the_global_has_another_load
func.func @the_global_has_another_load(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}
func.func @elsewhere() -> tensor<12x8xf32> {
  %w = ml_program.global_load_const @gate : tensor<12x8xf32>
  return %w : tensor<12x8xf32>
}

// -----

// CHECK-NOT: "gate+up"
ml_program.global private @gate(dense<1.0> : tensor<12x8xf32>) : tensor<12x8xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
// CHECK-LABEL: @a_weight_of_values
func.func @a_weight_of_values(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

// CHECK-LABEL: @weights_that_are_no_globals
func.func @weights_that_are_no_globals(%x: tensor<?x8xf32>, %wg: tensor<12x8xf32>, %wu: tensor<12x8xf32>) -> tensor<?x12xf32> {
  // CHECK-COUNT-2: llm.linear
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %u = llm.linear %x, %wu : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
// CHECK-LABEL: @one_linear_is_both_halves
func.func @one_linear_is_both_halves(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK: %[[G:.+]] = llm.linear
  // CHECK-NEXT: llm.gated silu %[[G]], %[[G]]
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %g = llm.linear %x, %wg : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %g : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

ml_program.global private @q(#llm.weight<#llm.piece<"q", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
ml_program.global private @k(#llm.weight<#llm.piece<"k", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
ml_program.global private @v(#llm.weight<#llm.piece<"v", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
// CHECK-LABEL: @the_rotated_query_is_read_elsewhere
func.func @the_rotated_query_is_read_elsewhere(%x: tensor<?x24xf32>, %t: tensor<?x8xf32>, %batch: !llm.batch) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-COUNT-3: llm.linear
  %wq = ml_program.global_load_const @q : tensor<8x24xf32>
  %wk = ml_program.global_load_const @k : tensor<8x24xf32>
  %wv = ml_program.global_load_const @v : tensor<8x24xf32>
  %q = llm.linear %x, %wq : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %k = llm.linear %x, %wk : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %v = llm.linear %x, %wv : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %r = llm.rope %q, %t {head_dim = 8} : tensor<?x8xf32>, tensor<?x8xf32>
  %o = llm.attention %r, %k, %v, %batch {heads = 1, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  return %o, %r : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

ml_program.global private @q(#llm.weight<#llm.piece<"q", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
ml_program.global private @k(#llm.weight<#llm.piece<"k", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
// CHECK-LABEL: @values_come_from_elsewhere
func.func @values_come_from_elsewhere(%x: tensor<?x24xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  // CHECK-COUNT-2: llm.linear
  %wq = ml_program.global_load_const @q : tensor<8x24xf32>
  %wk = ml_program.global_load_const @k : tensor<8x24xf32>
  %q = llm.linear %x, %wq : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %k = llm.linear %x, %wk : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %o = llm.attention %q, %k, %v, %batch {heads = 1, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  return %o : tensor<?x8xf32>
}
