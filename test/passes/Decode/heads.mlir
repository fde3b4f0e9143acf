// Heads see the accepted row alone, and heads beyond the tree are dropped with what they were computed from.
// RUN: yoke-opt %s --yoke-sink-heads | FileCheck %s --check-prefix=SINK
// RUN: yoke-opt %s --yoke-drop-heads | FileCheck %s --check-prefix=DROP

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!tree = !decode.tree<nodes = 3, depth = 1>
!path = !decode.path<depth = 1>

func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, tensor<?x64xf32>, !cache)
func.func @draft_heads(%h: tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>) {
  %a, %first = decode.top_k %h : tensor<?x64xf32> -> tensor<?x10xf32>, tensor<?x10xi32>
  %r = llm.activation silu %h : tensor<?x64xf32>
  %b, %second = decode.top_k %r : tensor<?x64xf32> -> tensor<?x10xf32>, tensor<?x10xi32>
  return %first, %second : tensor<?x10xi32>, tensor<?x10xi32>
}

// SINK-LABEL: @all_rows
// DROP-LABEL: @all_rows
func.func @all_rows(%text: !decode.text, %a: tensor<?x10xi32>, %b: tensor<?x10xi32>, %cache: !cache) {
  %end:4 = decode.loop(%text, %a, %b, %cache) : (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>, !cache) -> (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>, !cache) {
  ^bb0(%t: !decode.text, %c1: tensor<?x10xi32>, %c2: tensor<?x10xi32>, %c: !cache):
    // DROP: decode.tree <[0], [1]> of %{{.*}} from %{{[a-z0-9]+}} : (!decode.text, tensor<?x10xi32>)
    %tree = decode.tree <[0], [1]> of %t from %c1, %c2 : (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>) -> !tree
    // SINK: %[[ROWS:.+]]:2, %{{.*}} = decode.verify
    %logits, %hidden, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, tensor<?x64xf32>, !cache)
    // SINK-NEXT: %[[PATH:.+]], %{{.*}} = decode.accept
    // SINK-NEXT: %[[ROW:.+]] = decode.pick %[[ROWS]]#1 at %[[PATH]]
    // SINK-NEXT: %[[NEXT:.+]]:2 = decode.heads medusa @draft_heads(%[[ROW]])
    // SINK-NEXT: decode.commit
    // SINK-NEXT: decode.yield %{{.*}}, %[[NEXT]]#0, %[[NEXT]]#1,
    // DROP: decode.heads medusa @draft_heads(
    %all:2 = decode.heads medusa @draft_heads(%hidden) : (tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>)
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    %n1 = decode.pick %all#0 at %path : tensor<?x10xi32>, !path
    %n2 = decode.pick %all#1 at %path : tensor<?x10xi32>, !path
    %k1 = decode.commit %path, %k : !path, !cache
    decode.yield %t1, %n1, %n2, %k1 : !decode.text, tensor<?x10xi32>, tensor<?x10xi32>, !cache
  }
  return
}

// Read at all rows: stays where it is. The second head is dead.
// SINK-LABEL: @read
// DROP-LABEL: @read
func.func @read(%t: !decode.text, %h: tensor<?x64xf32>, %path: !path) -> (!tree, tensor<?x10xi32>) {
  // SINK-NEXT: decode.heads medusa @draft_heads(%{{.*}})
  // DROP-NEXT: %[[ONE:.+]] = decode.heads medusa @draft_heads_0(%{{.*}}) : (tensor<?x64xf32>) -> tensor<?x10xi32>
  %c:2 = decode.heads medusa @draft_heads(%h) : (tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>)
  %0 = decode.pick %c#0 at %path : tensor<?x10xi32>, !path
  // DROP: decode.tree <[0], [1]> of %{{.*}} from %[[ONE]]
  %tree = decode.tree <[0], [1]> of %t from %c#0, %c#1 : (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>) -> !tree
  return %tree, %0 : !tree, tensor<?x10xi32>
}

// DROP: func.func private @draft_heads_0(%[[H:.+]]: tensor<?x64xf32>) -> tensor<?x10xi32> {
// DROP-NEXT: decode.top_k %[[H]]
// DROP-NEXT: return
