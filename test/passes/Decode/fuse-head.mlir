// A step whose logits are read by greedy choices alone gives best tokens; one that is sampled from, or gives more, stays.
// RUN: yoke-opt %s --yoke-fuse-head | FileCheck %s

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!root = !decode.tree<nodes = 1, depth = 0>
!tree = !decode.tree<nodes = 3, depth = 2>
!path = !decode.path<depth = 2>
!recycled = !decode.draft_state<token_recycling>

func.func private @logits(tensor<?xi32>) -> tensor<?x100xf32>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x100xf32>, !cache) {
  %0 = call @logits(%tokens) : (tensor<?xi32>) -> tensor<?x100xf32>
  return %0, %cache : tensor<?x100xf32>, !cache
}
func.func @step_hidden(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x100xf32>, tensor<?x100xf32>, !cache) {
  %0 = call @logits(%tokens) : (tensor<?xi32>) -> tensor<?x100xf32>
  return %0, %0, %cache : tensor<?x100xf32>, tensor<?x100xf32>, !cache
}

// CHECK-LABEL: @greedy
func.func @greedy(%text: !decode.text, %cache: !cache) {
  // CHECK: %[[ROWS:.+]]:2, %[[CACHE:.+]] = decode.verify @step_top1(
  // CHECK: decode.sample greedy(%[[ROWS]]#0, %[[ROWS]]#1), %{{.*}} : (tensor<?x1xf32>, tensor<?x1xi32>)
  // CHECK: decode.yield %{{.*}}, %[[CACHE]]
  %end:2 = decode.loop(%text, %cache) : (!decode.text, !cache) -> (!decode.text, !cache) {
  ^bb0(%t: !decode.text, %c: !cache):
    %root = decode.tree <> of %t : (!decode.text) -> !root
    %logits, %c1 = decode.verify @step(%root, %t, %c) : (!root, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %t1 = decode.sample greedy(%logits), %t : (tensor<?x100xf32>)
    decode.yield %t1, %c1 : !decode.text, !cache
  }
  return
}

// CHECK-LABEL: @recycle
func.func @recycle(%text: !decode.text, %state: !recycled, %cache: !cache) {
  // CHECK: %[[ROWS:.+]]:2, %{{.*}} = decode.verify @step_top8(
  // CHECK: decode.learn %{{.*}}, %{{.*}}, (%[[ROWS]]#0, %[[ROWS]]#1)
  // CHECK: decode.accept greedy %{{.*}}, (%[[ROWS]]#0, %[[ROWS]]#1)
  %end:3 = decode.loop(%text, %state, %cache) : (!decode.text, !recycled, !cache) -> (!decode.text, !recycled, !cache) {
  ^bb0(%t: !decode.text, %s: !recycled, %c: !cache):
    %tree = decode.draft token_recycling %t, %s : !recycled -> !tree
    %logits, %c1 = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %s1 = decode.learn %s, %tree, (%logits) : !recycled, !tree, (tensor<?x100xf32>)
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    %c2 = decode.commit %path, %c1 : !path, !cache
    decode.yield %t1, %s1, %c2 : !decode.text, !recycled, !cache
  }
  return
}

// CHECK-LABEL: @sampled
func.func @sampled(%text: !decode.text, %cache: !cache) {
  // CHECK: decode.verify @step(
  %end:2 = decode.loop(%text, %cache) : (!decode.text, !cache) -> (!decode.text, !cache) {
  ^bb0(%t: !decode.text, %c: !cache):
    %root = decode.tree <> of %t : (!decode.text) -> !root
    %logits, %c1 = decode.verify @step(%root, %t, %c) : (!root, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %t1 = decode.sample sampled(%logits), %t : (tensor<?x100xf32>)
    decode.yield %t1, %c1 : !decode.text, !cache
  }
  return
}

// CHECK-LABEL: @hidden
func.func @hidden(%text: !decode.text, %cache: !cache) {
  // CHECK: decode.verify @step_hidden(
  %end:2 = decode.loop(%text, %cache) : (!decode.text, !cache) -> (!decode.text, !cache) {
  ^bb0(%t: !decode.text, %c: !cache):
    %root = decode.tree <> of %t : (!decode.text) -> !root
    %logits, %h, %c1 = decode.verify @step_hidden(%root, %t, %c) : (!root, !decode.text, !cache) -> (tensor<?x100xf32>, tensor<?x100xf32>, !cache)
    %t1 = decode.sample greedy(%logits), %t : (tensor<?x100xf32>)
    decode.yield %t1, %c1 : !decode.text, !cache
  }
  return
}

// CHECK: func.func @step_top1(
// CHECK: %[[LOGITS:.+]] = call @logits
// CHECK: %[[VALUES:.+]], %[[IDS:.+]] = decode.top_k %[[LOGITS]] : tensor<?x100xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
// CHECK: return %[[VALUES]], %[[IDS]], %{{.*}} : tensor<?x1xf32>, tensor<?x1xi32>, !llm.kv_cache
// CHECK: func.func @step_top8(
// CHECK: decode.top_k %{{.*}} -> tensor<?x8xf32>, tensor<?x8xi32>
