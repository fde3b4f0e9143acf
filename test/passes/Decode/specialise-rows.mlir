// Steps for exact numbers of rows, as far as a tree has them; the loop calls them by its number of nodes.
// RUN: yoke-opt %s --yoke-specialise-rows="rows=1,2,8" | FileCheck %s
// RUN: yoke-opt %s --yoke-specialise-rows | FileCheck %s --check-prefix=NONE
// RUN: yoke-opt %s --yoke-specialise-rows="rows=1,2,8" --yoke-lower-loop | FileCheck %s --check-prefix=LOWER
// RUN: not yoke-opt %s --yoke-specialise-rows="rows=2,2" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: expected rows to ascend from 1, found 2

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!tree = !decode.tree<nodes = 4, depth = 3>
!path = !decode.path<depth = 3>
!state = !decode.draft_state<ngram>

func.func private @logits(tensor<?xi32>) -> tensor<?x100xf32>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x100xf32>, !cache) {
  %0 = call @logits(%tokens) : (tensor<?xi32>) -> tensor<?x100xf32>
  return %0, %cache : tensor<?x100xf32>, !cache
}

// CHECK-LABEL: @generate
// CHECK: decode.verify @step(%{{.*}}) {buckets = array<i64: 1, 2>}
// CHECK: func.func @step_r1({{.*}} attributes {llm.rows = 1 : i64}
// CHECK: func.func @step_r2({{.*}} attributes {llm.rows = 2 : i64}
// CHECK-NOT: @step_r8
// NONE-NOT: buckets
// NONE-NOT: _r1
// LOWER: func.func @yoke_generate(
// LOWER: scf.index_switch
// LOWER: case 1 {
// LOWER: call @yoke_step_r1(
// LOWER: case 2 {
// LOWER: call @yoke_step_r2(
// LOWER: default {
// LOWER: call @yoke_step(
func.func @generate(%text: !decode.text, %state: !state, %cache: !cache) -> (!decode.text, !state, !cache) {
  %end:3 = decode.loop(%text, %state, %cache) : (!decode.text, !state, !cache) -> (!decode.text, !state, !cache) {
  ^bb0(%t: !decode.text, %s: !state, %c: !cache):
    %tree = decode.draft ngram %t, %s : !state -> !tree
    %logits, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %path, %t1 = decode.accept sampled %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    %k1 = decode.commit %path, %k : !path, !cache
    decode.yield %t1, %s, %k1 : !decode.text, !state, !cache
  }
  return %end#0, %end#1, %end#2 : !decode.text, !state, !cache
}
