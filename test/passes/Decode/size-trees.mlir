// Fixed trees keep what pays by the loop's costs.
// RUN: yoke-opt %s --yoke-size-trees="acceptance=0.6,0.2" -split-input-file | FileCheck %s
// RUN: not yoke-opt %s --yoke-size-trees="acceptance=1.5" 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: expected acceptance from 0 to 1, found 1.5

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!tree = !decode.tree<nodes = 4, depth = 2>
!path = !decode.path<depth = 2>
!state = !decode.draft_state<token_recycling>

func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)

// Rows cost nothing: all nodes stay.
// CHECK-LABEL: @free
func.func @free(%text: !decode.text, %state: !state, %cache: !cache) {
  // CHECK: topology = #decode.topology<[0], [1], [0, 0]>
  %end:3 = decode.loop(%text, %state, %cache) {cost_rows = array<i64: 1, 4>, costs = array<f64: 1.0, 1.0>} : (!decode.text, !state, !cache) -> (!decode.text, !state, !cache) {
  ^bb0(%t: !decode.text, %s: !state, %c: !cache):
    %tree = decode.draft token_recycling %t, %s {topology = #decode.topology<[0], [1], [0, 0]>} : !state -> !tree
    %logits, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    %k1 = decode.commit %path, %k : !path, !cache
    decode.yield %t1, %s, %k1 : !decode.text, !state, !cache
  }
  return
}

// 1.6 tokens for 1.1 are more a unit of cost than 1.96 for 1.4 or 2.16 for 1.9.
// CHECK-LABEL: @cut
func.func @cut(%text: !decode.text, %state: !state, %cache: !cache) {
  // CHECK: topology = #decode.topology<[0]>} : <token_recycling> -> <nodes = 2, depth = 1>
  // CHECK: decode.accept {{.*}} -> <depth = 1>
  %end:3 = decode.loop(%text, %state, %cache) {cost_rows = array<i64: 1, 2, 3, 4>, costs = array<f64: 1.0, 1.1, 1.4, 1.9>} : (!decode.text, !state, !cache) -> (!decode.text, !state, !cache) {
  ^bb0(%t: !decode.text, %s: !state, %c: !cache):
    %tree = decode.draft token_recycling %t, %s {topology = #decode.topology<[0], [1], [0, 0]>} : !state -> !tree
    %logits, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    %k1 = decode.commit %path, %k : !path, !cache
    decode.yield %t1, %s, %k1 : !decode.text, !state, !cache
  }
  return
}

// Nothing is known of costs.
// CHECK-LABEL: @unknown
func.func @unknown(%text: !decode.text, %state: !state, %cache: !cache) {
  // CHECK: topology = #decode.topology<[0], [1], [0, 0]>
  %end:3 = decode.loop(%text, %state, %cache) : (!decode.text, !state, !cache) -> (!decode.text, !state, !cache) {
  ^bb0(%t: !decode.text, %s: !state, %c: !cache):
    %tree = decode.draft token_recycling %t, %s {topology = #decode.topology<[0], [1], [0, 0]>} : !state -> !tree
    %logits, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    %k1 = decode.commit %path, %k : !path, !cache
    decode.yield %t1, %s, %k1 : !decode.text, !state, !cache
  }
  return
}
