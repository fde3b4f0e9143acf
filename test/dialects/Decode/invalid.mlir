// What verifiers and the parser refuse, one case per rule.
// RUN: yoke-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{path [1, 0]: its parent is not in the tree}}
func.func private @f() attributes {a = #decode.topology<[0], [1, 0]>}

// -----

// expected-error @+1 {{path [0] is listed twice}}
func.func private @f() attributes {a = #decode.topology<[0], [0]>}

// -----

// expected-error @+1 {{path [0, -1]: ranks must be at least 0}}
func.func private @f() attributes {a = #decode.topology<[0], [0, -1]>}

// -----

// expected-error @+1 {{path [] is the root, which is not listed}}
func.func private @f() attributes {a = #decode.topology<[0], []>}

// -----

// expected-error @+1 {{expected paths, mc_sim_7b_63 or token_recycling, found oak}}
func.func private @f() attributes {a = #decode.topology<oak>}

// -----

// expected-error @+1 {{expected from 1 to 1024 nodes, found 0}}
func.func private @f(!decode.tree<nodes = 0, depth = 0>)

// -----

// expected-error @+1 {{expected a depth from 0 to 3 for 4 nodes, found 4}}
func.func private @f(!decode.tree<nodes = 4, depth = 4>)

// -----

func.func @f(%n: i32) {
  // expected-error @+1 {{expected exactly one !decode.text to be carried, found 0}}
  %0 = decode.loop(%n) : (i32) -> i32 {
  ^bb0(%a: i32):
    decode.yield %a : i32
  }
  return
}

// -----

func.func @f(%t: !decode.text) {
  // expected-error @+1 {{expected results of the operands' types}}
  %0 = decode.loop(%t) : (!decode.text) -> i32 {
  ^bb0(%a: !decode.text):
    decode.yield %a : !decode.text
  }
  return
}

// -----

func.func @f(%t: !decode.text) {
  // expected-error @+1 {{expected the region's arguments to have the operands' types}}
  %0 = decode.loop(%t) : (!decode.text) -> !decode.text {
  ^bb0(%a: !decode.text, %b: i32):
    decode.yield %a : !decode.text
  }
  return
}

// -----

func.func @f(%t: !decode.text, %n: i32) {
  // expected-error @+1 {{expected the region to end with a decode.yield of the operands' types}}
  %0:2 = decode.loop(%t, %n) : (!decode.text, i32) -> (!decode.text, i32) {
  ^bb0(%a: !decode.text, %b: i32):
    decode.yield %a : !decode.text
  }
  return
}

// -----

func.func @f(%t: !decode.text) {
  // expected-error @+1 {{expected a cost for each of cost_rows, found 1 for 2}}
  %0 = decode.loop(%t) {cost_rows = array<i64: 1, 2>, costs = array<f64: 1.0>} : (!decode.text) -> !decode.text {
  ^bb0(%a: !decode.text):
    decode.yield %a : !decode.text
  }
  return
}

// -----

func.func @f(%t: !decode.text) {
  // expected-error @+1 {{expected cost_rows to ascend from 1, found 2}}
  %0 = decode.loop(%t) {cost_rows = array<i64: 2>, costs = array<f64: 1.0>} : (!decode.text) -> !decode.text {
  ^bb0(%a: !decode.text):
    decode.yield %a : !decode.text
  }
  return
}

// -----

func.func @f(%t: !decode.text) {
  // expected-error @+1 {{expected positive costs, found 0}}
  %0 = decode.loop(%t) {cost_rows = array<i64: 1>, costs = array<f64: 0.0>} : (!decode.text) -> !decode.text {
  ^bb0(%a: !decode.text):
    decode.yield %a : !decode.text
  }
  return
}

// -----

func.func @f(%t: !decode.text, %s: !decode.draft_state<medusa>) {
  // expected-error @+1 {{medusa has no state; its guesses are made by decode.heads}}
  %0 = decode.draft medusa %t, %s : !decode.draft_state<medusa> -> !decode.tree<nodes = 4, depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %s: !decode.draft_state<ngram>) {
  // expected-error @+1 {{expected a state of prompt_lookup, found one of ngram}}
  %0 = decode.draft prompt_lookup %t, %s : !decode.draft_state<ngram> -> !decode.tree<nodes = 4, depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %s: !decode.draft_state<ngram>) {
  // expected-error @+1 {{match is of prompt_lookup, found it for ngram}}
  %0 = decode.draft ngram %t, %s {match = 3} : !decode.draft_state<ngram> -> !decode.tree<nodes = 4, depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %s: !decode.draft_state<ngram>) {
  // expected-error @+1 {{expected longest to be positive, found 0}}
  %0 = decode.draft ngram %t, %s {longest = 0} : !decode.draft_state<ngram> -> !decode.tree<nodes = 4, depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %s: !decode.draft_state<draft_model>) {
  // expected-error @+1 {{expected the model of a draft_model}}
  %0 = decode.draft draft_model %t, %s : !decode.draft_state<draft_model> -> !decode.tree<nodes = 4, depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %s: !decode.draft_state<token_recycling>) {
  // expected-error @+1 {{expected a tree of at least the topology's 4 nodes and depth 2, found}}
  %0 = decode.draft token_recycling %t, %s {topology = #decode.topology<[0], [1], [0, 0]>} : !decode.draft_state<token_recycling> -> !decode.tree<nodes = 3, depth = 2>
  return
}

// -----

func.func @f(%h: tensor<?x8xf32>) {
  // expected-error @+1 {{ngram has no heads; its guesses are made by decode.draft}}
  %0 = decode.heads ngram @heads(%h) : (tensor<?x8xf32>) -> tensor<?x4xi32>
  return
}
func.func private @heads(tensor<?x8xf32>) -> tensor<?x4xi32>

// -----

func.func @f(%h: tensor<?x8xf32>) {
  // expected-error @+1 {{expected at least one head}}
  decode.heads medusa @heads(%h) : (tensor<?x8xf32>) -> ()
  return
}
func.func private @heads(tensor<?x8xf32>)

// -----

func.func @f(%h: tensor<?x8xf32>) {
  // expected-error @+1 {{expected a function @heads}}
  %0 = decode.heads medusa @heads(%h) : (tensor<?x8xf32>) -> tensor<?x4xi32>
  return
}

// -----

func.func @f(%h: tensor<?x8xf32>) {
  // expected-error @+1 {{expected @heads to have type '(tensor<?x8xf32>) -> tensor<?x4xi32>', found '(tensor<?x9xf32>) -> tensor<?x4xi32>'}}
  %0 = decode.heads medusa @heads(%h) : (tensor<?x8xf32>) -> tensor<?x4xi32>
  return
}
func.func private @heads(tensor<?x9xf32>) -> tensor<?x4xi32>

// -----

func.func @f(%t: !decode.text, %c: tensor<?x4xi32>) {
  // expected-error @+1 {{expected a topology of at most depth 1, one candidate list each, found 2}}
  %0 = decode.tree <[0], [0, 0]> of %t from %c : (!decode.text, tensor<?x4xi32>) -> !decode.tree<nodes = 3, depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %c: tensor<?x4xi32>) {
  // expected-error @+1 {{expected ranks below the 4 candidates of depth 1, found 4}}
  %0 = decode.tree <[4]> of %t from %c : (!decode.text, tensor<?x4xi32>) -> !decode.tree<nodes = 2, depth = 1>
  return
}

// -----

func.func @f(%t: !decode.text, %c: tensor<?x4xi32>) {
  // expected-error @+1 {{expected a tree of the topology's 2 nodes and depth 1, found}}
  %0 = decode.tree <[3]> of %t from %c : (!decode.text, tensor<?x4xi32>) -> !decode.tree<nodes = 3, depth = 1>
  return
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %c: !cache) {
  // expected-error @+1 {{expected a function @step}}
  %0, %1 = decode.verify @step(%tree, %t, %c) : (!decode.tree<nodes = 3, depth = 1>, !decode.text, !cache) -> (tensor<?x9xf32>, !cache)
  return
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %c: !cache) {
  // expected-error @+1 {{expected @step to have type}}
  %0, %1 = decode.verify @step(%tree, %t, %c) : (!decode.tree<nodes = 3, depth = 1>, !decode.text, !cache) -> (tensor<?x9xf32>, !cache)
  return
}
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x8xf32>, !cache)

// -----

func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %v: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{sampled needs logits of all tokens}}
  %0, %1 = decode.accept sampled %tree, (%v, %i), %t : !decode.tree<nodes = 3, depth = 1>, (tensor<?x2xf32>, tensor<?x2xi32>) -> !decode.path<depth = 1>
  return
}

// -----

func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %v: tensor<?x2xf32>) {
  // expected-error @+1 {{expected a path of the tree's depth 1, found}}
  %0, %1 = decode.accept sampled %tree, (%v), %t : !decode.tree<nodes = 3, depth = 1>, (tensor<?x2xf32>) -> !decode.path<depth = 2>
  return
}

// -----

func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %v: tensor<?x2xf32>) {
  // expected-error @+1 {{expected epsilon for typical acceptance and for no other}}
  %0, %1 = decode.accept typical %tree, (%v), %t : !decode.tree<nodes = 3, depth = 1>, (tensor<?x2xf32>) -> !decode.path<depth = 1>
  return
}

// -----

func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %v: tensor<?x2xf32>) {
  // expected-error @+1 {{expected delta from 0 to 1, found 2}}
  %0, %1 = decode.accept typical %tree, (%v), %t {epsilon = 0.5 : f32, delta = 2.0 : f32} : !decode.tree<nodes = 3, depth = 1>, (tensor<?x2xf32>) -> !decode.path<depth = 1>
  return
}

// -----

func.func @f(%t: !decode.text, %v: tensor<?x2xf32>, %i: tensor<?x3xi32>) {
  // expected-error @+1 {{expected rows of logits, or rows of the best logits and rows of their tokens}}
  %0 = decode.sample greedy(%v, %i), %t : (tensor<?x2xf32>, tensor<?x3xi32>)
  return
}

// -----

func.func @f(%t: !decode.text, %v: tensor<?x2xf32>) {
  // expected-error @+1 {{expected greedy or sampled, found typical}}
  %0 = decode.sample typical(%v), %t : (tensor<?x2xf32>)
  return
}

// -----

func.func @f(%t: !decode.text, %v: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{sampled needs logits of all tokens}}
  %0 = decode.sample sampled(%v, %i), %t : (tensor<?x2xf32>, tensor<?x2xi32>)
  return
}

// -----

func.func @f(%s: !decode.draft_state<ngram>, %tree: !decode.tree<nodes = 3, depth = 1>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{expected rows of logits, or rows of the best logits and rows of their tokens}}
  %0 = decode.learn %s, %tree, (%i) : !decode.draft_state<ngram>, !decode.tree<nodes = 3, depth = 1>, (tensor<?x2xi32>)
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{expected from 1 to the 4 columns of x, found 5}}
  %v, %i = decode.top_k %x : tensor<?x4xf32> -> tensor<?x5xf32>, tensor<?x5xi32>
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{expected values and ids of as many columns, found 1 and 2}}
  %v, %i = decode.top_k %x : tensor<?x4xf32> -> tensor<?x1xf32>, tensor<?x2xi32>
  return
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %c: !cache) {
  // expected-error @+1 {{expected buckets to ascend from 1, found 0}}
  %0, %1 = decode.verify @step(%tree, %t, %c) {buckets = array<i64: 0>} : (!decode.tree<nodes = 3, depth = 1>, !decode.text, !cache) -> (tensor<?x9xf32>, !cache)
  return
}
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x9xf32>, !cache)

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
func.func @f(%t: !decode.text, %tree: !decode.tree<nodes = 3, depth = 1>, %c: !cache) {
  // expected-error @+1 {{expected a function @step_r2}}
  %0, %1 = decode.verify @step(%tree, %t, %c) {buckets = array<i64: 2>} : (!decode.tree<nodes = 3, depth = 1>, !decode.text, !cache) -> (tensor<?x9xf32>, !cache)
  return
}
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x9xf32>, !cache)
