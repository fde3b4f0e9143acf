// Loops that cannot be lowered in place, and trees that a step has no room for.
// RUN: yoke-opt %s --yoke-lower-loop="max-tokens=8" -split-input-file -verify-diagnostics

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!tree = !decode.tree<nodes = 9, depth = 8>
!path = !decode.path<depth = 8>
!state = !decode.draft_state<ngram>
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)

// expected-error @+1 {{expected trees of at most the 8 tokens of a step, found}}
func.func @large(%text: !decode.text, %state: !state, %cache: !cache) -> (!decode.text, !state, !cache) {
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

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!tree = !decode.tree<nodes = 4, depth = 3>
!path = !decode.path<depth = 3>
!state = !decode.draft_state<ngram>
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)

func.func @older_cache(%text: !decode.text, %state: !state, %cache: !cache) -> (!decode.text, !state, !cache) {
  %end:3 = decode.loop(%text, %state, %cache) : (!decode.text, !state, !cache) -> (!decode.text, !state, !cache) {
  ^bb0(%t: !decode.text, %s: !state, %c: !cache):
    %tree = decode.draft ngram %t, %s : !state -> !tree
    %logits, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %path, %t1 = decode.accept sampled %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    // expected-error @+1 {{the CPU loop changes values in place}}
    %k1 = decode.commit %path, %c : !path, !cache
    decode.yield %t1, %s, %k1 : !decode.text, !state, !cache
  }
  return %end#0, %end#1, %end#2 : !decode.text, !state, !cache
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!tree = !decode.tree<nodes = 4, depth = 3>
!path = !decode.path<depth = 3>
!state = !decode.draft_state<token_recycling>
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)

func.func @spoiled_rows(%text: !decode.text, %state: !state, %cache: !cache) -> (!decode.text, !state, !cache) {
  %end:3 = decode.loop(%text, %state, %cache) : (!decode.text, !state, !cache) -> (!decode.text, !state, !cache) {
  ^bb0(%t: !decode.text, %s: !state, %c: !cache):
    %tree = decode.draft token_recycling %t, %s : !state -> !tree
    %logits, %k = decode.verify @step(%tree, %t, %c) : (!tree, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %path, %t1 = decode.accept sampled %tree, (%logits), %t : !tree, (tensor<?x100xf32>) -> !path
    // expected-error @+1 {{the CPU loop changes values in place}}
    %s1 = decode.learn %s, %tree, (%logits) : !state, !tree, (tensor<?x100xf32>)
    %k1 = decode.commit %path, %k : !path, !cache
    decode.yield %t1, %s1, %k1 : !decode.text, !state, !cache
  }
  return %end#0, %end#1, %end#2 : !decode.text, !state, !cache
}

// -----

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>
!root = !decode.tree<nodes = 1, depth = 0>
func.func private @step(tensor<?xi32>, !llm.batch, !cache) -> (tensor<?x100xf32>, !cache)

// expected-error @+1 {{a greedy loop reads best tokens; yoke-fuse-head makes a step that gives them}}
func.func @unfused(%text: !decode.text, %cache: !cache) -> (!decode.text, !cache) {
  %end:2 = decode.loop(%text, %cache) : (!decode.text, !cache) -> (!decode.text, !cache) {
  ^bb0(%t: !decode.text, %c: !cache):
    %root = decode.tree <> of %t : (!decode.text) -> !root
    %logits, %k = decode.verify @step(%root, %t, %c) : (!root, !decode.text, !cache) -> (tensor<?x100xf32>, !cache)
    %t1 = decode.sample greedy(%logits), %t : (tensor<?x100xf32>)
    decode.yield %t1, %k : !decode.text, !cache
  }
  return %end#0, %end#1 : !decode.text, !cache
}

// -----

// expected-error @+1 {{expected a function of one decode.loop and nothing else}}
func.func @more(%text: !decode.text) -> (!decode.text, i32) {
  %end = decode.loop(%text) : (!decode.text) -> !decode.text {
  ^bb0(%t: !decode.text):
    decode.yield %t : !decode.text
  }
  %c = arith.constant 1 : i32
  return %end, %c : !decode.text, i32
}
