// Every op: printed as written, and the same through the generic form and through bytecode.
// RUN: yoke-opt %s | FileCheck %s
// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --mlir-print-op-generic %s | yoke-opt | FileCheck %s
// RUN: yoke-opt --emit-bytecode %s | yoke-opt | FileCheck %s

!cache = !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>

func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)
func.func private @step_top8(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x8xf32>, tensor<?x8xi32>, !cache)
func.func private @step_hidden(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, tensor<?x64xf32>, !cache)
func.func private @draft_heads(tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>)

// CHECK-LABEL: @plain
func.func @plain(%text: !decode.text, %cache: !cache) -> (!decode.text, !cache) {
  // CHECK: decode.loop(%{{.*}}, %{{.*}}) {cost_rows = array<i64: 1, 4>, costs = array<f64: 1.000000e+00, 1.500000e+00>} : (!decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>) -> (!decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>) {
  %end:2 = decode.loop(%text, %cache) {cost_rows = array<i64: 1, 4>, costs = array<f64: 1.0, 1.5>} : (!decode.text, !cache) -> (!decode.text, !cache) {
  ^bb0(%t: !decode.text, %c: !cache):
    // CHECK: decode.tree <> of %{{.*}} : (!decode.text) -> !decode.tree<nodes = 1, depth = 0>
    %root = decode.tree <> of %t : (!decode.text) -> !decode.tree<nodes = 1, depth = 0>
    // CHECK: decode.verify @step(%{{.*}}, %{{.*}}, %{{.*}}) : (!decode.tree<nodes = 1, depth = 0>, !decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>) -> (tensor<?x100xf32>, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>)
    %logits, %c1 = decode.verify @step(%root, %t, %c) : (!decode.tree<nodes = 1, depth = 0>, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    // CHECK: decode.sample greedy(%{{.*}}), %{{.*}} : (tensor<?x100xf32>)
    %t1 = decode.sample greedy(%logits), %t : (tensor<?x100xf32>)
    // CHECK: decode.yield
    decode.yield %t1, %c1 : !decode.text, !cache
  }
  return %end#0, %end#1 : !decode.text, !cache
}

// CHECK-LABEL: @recycle
func.func @recycle(%text: !decode.text, %state: !decode.draft_state<token_recycling>, %cache: !cache) {
  %end:3 = decode.loop(%text, %state, %cache) : (!decode.text, !decode.draft_state<token_recycling>, !cache) -> (!decode.text, !decode.draft_state<token_recycling>, !cache) {
  ^bb0(%t: !decode.text, %s: !decode.draft_state<token_recycling>, %c: !cache):
    // CHECK: decode.draft token_recycling %{{.*}}, %{{.*}} {topology = #decode.topology<[0], [1], [0, 0], [0, 2]>} : <token_recycling> -> <nodes = 5, depth = 2>
    %tree = decode.draft token_recycling %t, %s {topology = #decode.topology<[0, 2], [1], [0], [0, 0]>} : !decode.draft_state<token_recycling> -> !decode.tree<nodes = 5, depth = 2>
    %values, %ids, %c1 = decode.verify @step_top8(%tree, %t, %c) : (!decode.tree<nodes = 5, depth = 2>, !decode.text, !cache) -> (tensor<?x8xf32>, tensor<?x8xi32>, !cache)
    // CHECK: decode.learn %{{.*}}, %{{.*}}, (%{{.*}}, %{{.*}}) : <token_recycling>, <nodes = 5, depth = 2>, (tensor<?x8xf32>, tensor<?x8xi32>)
    %s1 = decode.learn %s, %tree, (%values, %ids) : !decode.draft_state<token_recycling>, !decode.tree<nodes = 5, depth = 2>, (tensor<?x8xf32>, tensor<?x8xi32>)
    // CHECK: decode.accept greedy %{{.*}}, (%{{.*}}, %{{.*}}), %{{.*}} : <nodes = 5, depth = 2>, (tensor<?x8xf32>, tensor<?x8xi32>) -> <depth = 2>
    %path, %t1 = decode.accept greedy %tree, (%values, %ids), %t : !decode.tree<nodes = 5, depth = 2>, (tensor<?x8xf32>, tensor<?x8xi32>) -> !decode.path<depth = 2>
    // CHECK: decode.commit %{{.*}}, %{{.*}} : <depth = 2>, <layers = 2, heads = 2, head_dim = 8, f32>
    %c2 = decode.commit %path, %c1 : !decode.path<depth = 2>, !cache
    decode.yield %t1, %s1, %c2 : !decode.text, !decode.draft_state<token_recycling>, !cache
  }
  return
}

// CHECK-LABEL: @medusa
func.func @medusa(%text: !decode.text, %hidden: tensor<?x64xf32>, %cache: !cache) {
  %end:3 = decode.loop(%text, %hidden, %cache) : (!decode.text, tensor<?x64xf32>, !cache) -> (!decode.text, tensor<?x64xf32>, !cache) {
  ^bb0(%t: !decode.text, %h: tensor<?x64xf32>, %c: !cache):
    // CHECK: decode.heads medusa @draft_heads(%{{.*}}) : (tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>)
    %guesses:2 = decode.heads medusa @draft_heads(%h) : (tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>)
    // CHECK: decode.tree <[0], [1], [0, 0]> of %{{.*}} from %{{.*}}#0, %{{.*}}#1 : (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>) -> !decode.tree<nodes = 4, depth = 2>
    %tree = decode.tree <[0], [1], [0, 0]> of %t from %guesses#0, %guesses#1 : (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>) -> !decode.tree<nodes = 4, depth = 2>
    %logits, %rows, %c1 = decode.verify @step_hidden(%tree, %t, %c) : (!decode.tree<nodes = 4, depth = 2>, !decode.text, !cache) -> (tensor<?x100xf32>, tensor<?x64xf32>, !cache)
    // CHECK: decode.accept typical %{{.*}}, (%{{.*}}), %{{.*}} {delta = 3.000000e-01 : f32, epsilon = 9.000000e-02 : f32} : <nodes = 4, depth = 2>, (tensor<?x100xf32>) -> <depth = 2>
    %path, %t1 = decode.accept typical %tree, (%logits), %t {epsilon = 0.09 : f32, delta = 0.3 : f32} : !decode.tree<nodes = 4, depth = 2>, (tensor<?x100xf32>) -> !decode.path<depth = 2>
    // CHECK: decode.pick %{{.*}} at %{{.*}} : tensor<?x64xf32>, <depth = 2>
    %h1 = decode.pick %rows at %path : tensor<?x64xf32>, !decode.path<depth = 2>
    %c2 = decode.commit %path, %c1 : !decode.path<depth = 2>, !cache
    decode.yield %t1, %h1, %c2 : !decode.text, tensor<?x64xf32>, !cache
  }
  return
}

// CHECK-LABEL: @drafters
func.func @drafters(%t: !decode.text, %lookup: !decode.draft_state<prompt_lookup>, %ngram: !decode.draft_state<ngram>,
                    %adaptive: !decode.draft_state<adaptive>, %both: !decode.draft_state<combined>, %small: !decode.draft_state<draft_model>) {
  // CHECK: decode.draft prompt_lookup %{{.*}}, %{{.*}} {copied = 10 : i64, match = 3 : i64} : <prompt_lookup> -> <nodes = 11, depth = 10>
  %0 = decode.draft prompt_lookup %t, %lookup {match = 3, copied = 10} : !decode.draft_state<prompt_lookup> -> !decode.tree<nodes = 11, depth = 10>
  // CHECK: decode.draft ngram %{{.*}}, %{{.*}} {longest = 16 : i64} :
  %1 = decode.draft ngram %t, %ngram {longest = 16} : !decode.draft_state<ngram> -> !decode.tree<nodes = 64, depth = 63>
  // CHECK: decode.draft adaptive %{{.*}}, %{{.*}} {monte_carlo} :
  %2 = decode.draft adaptive %t, %adaptive {monte_carlo} : !decode.draft_state<adaptive> -> !decode.tree<nodes = 64, depth = 63>
  // CHECK: decode.draft combined %{{.*}}, %{{.*}} :
  %3 = decode.draft combined %t, %both : !decode.draft_state<combined> -> !decode.tree<nodes = 64, depth = 63>
  // CHECK: decode.draft draft_model %{{.*}}, %{{.*}} {model = "small.yoke"} :
  %4 = decode.draft draft_model %t, %small {model = "small.yoke"} : !decode.draft_state<draft_model> -> !decode.tree<nodes = 64, depth = 63>
  return
}

// CHECK-LABEL: @best
func.func @best(%logits: tensor<?x100xf32>) {
  // CHECK: decode.top_k %{{.*}} : tensor<?x100xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  %values, %ids = decode.top_k %logits : tensor<?x100xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
  return
}

// Named trees are written as their paths.
// CHECK-LABEL: @named
// CHECK-SAME: a = #decode.topology<[0], [1], [2], [3], [4], [5], [6], [7], [8], [9], [0, 0], [0, 1]
// CHECK-SAME: b = #decode.topology<[0], [1], [2], [3], [4], [5], [6], [7], [0, 0]
func.func @named() attributes {a = #decode.topology<mc_sim_7b_63>, b = #decode.topology<token_recycling>} {
  return
}
