#ifndef YOKE_PASSES_DECODE_PASSES_TD
#define YOKE_PASSES_DECODE_PASSES_TD

include "mlir/Pass/PassBase.td"

def MakeLoopPass : Pass<"yoke-make-loop", "::mlir::ModuleOp"> {
  let summary = "Add the loops that generate text with a drafter";
  let description = [{
    Adds to a module with a `@step` of a model that generates: `@generate`, whose tokens are chosen by the text's own sampler, and `@generate_greedy`. Both
    take and return the text, the drafter's state if there is one, and the cache. Steps have at most `rows` nodes.

    Modules without `@step`, and those whose step keeps no cache, are left alone.
  }];
  let options = [
    Option<"drafter", "drafter", "std::string", "\"none\"", "none, or a kind of decode.draft">,
    Option<"rows", "rows", "int64_t", "64", "Most nodes of a tree">,
    Option<"match", "match", "int64_t", "3", "prompt_lookup: tokens that have to match">,
    Option<"copied", "copied", "int64_t", "10", "prompt_lookup: tokens that are copied">,
    Option<"longest", "longest", "int64_t", "16", "ngram: tokens of the longest n-gram">,
    Option<"monteCarlo", "monte-carlo", "bool", "false", "adaptive: search by Monte Carlo">,
    Option<"model", "model", "std::string", "", "draft_model: its package">,
    Option<"topology", "topology", "std::string", "", "token_recycling: a fixed tree, as #decode.topology is written; empty: by what the table knows">,
    ListOption<"costRows", "cost-rows", "int64_t", "Numbers of rows, from 1 on, for which the costs of a step were measured">,
    ListOption<"costs", "costs", "double", "These costs, in units of the first">
  ];
  let dependentDialects = ["::yoke::decode::DecodeDialect", "::mlir::func::FuncDialect"];
}

def FuseHeadPass : Pass<"yoke-fuse-head", "::mlir::ModuleOp"> {
  let summary = "Let the step give best tokens where nobody needs all logits";
  let description = [{
    Where the logits of a `decode.verify` are read by greedy choices alone, the call goes to a clone of the step that ends in `decode.top_k`, which the head's kernel takes
    in: logits are never written. A `decode.learn` among the readers takes the 8 best tokens of each row, greedy choices alone the best one.

    Before:
    ```mlir
    %logits, %c1 = decode.verify @step(%tree, %t, %c) : (...) -> (tensor<?x49152xf32>, !cache)
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : ...
    ```
    After:
    ```mlir
    %values, %ids, %c1 = decode.verify @step_top1(%tree, %t, %c) : (...) -> (tensor<?x1xf32>, tensor<?x1xi32>, !cache)
    %path, %t1 = decode.accept greedy %tree, (%values, %ids), %t : ...
    ```

    Calls whose logits are sampled from, or that give hidden rows as well, are left alone.
  }];
  let dependentDialects = ["::yoke::decode::DecodeDialect", "::yoke::llm::LLMDialect"];
}

def SinkHeadsPass : Pass<"yoke-sink-heads"> {
  let summary = "Evaluate draft heads at the last accepted row alone";
  let description = [{
    Heads go row by row, and of their guesses only those at the last accepted node are used; so the row is picked first.

    Before:
    ```mlir
    %logits, %hidden, %c1 = decode.verify @step_hidden(%tree, %t, %c) : ...
    %all = decode.heads medusa @draft_heads(%hidden) : ...
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : ...
    %next = decode.pick %all at %path : ...
    ```
    After:
    ```mlir
    %path, %t1 = decode.accept greedy %tree, (%logits), %t : ...
    %row = decode.pick %hidden at %path : ...
    %next = decode.heads medusa @draft_heads(%row) : ...
    ```

    Heads whose guesses are read at other rows are left alone.
  }];
}

def DropHeadsPass : Pass<"yoke-drop-heads", "::mlir::ModuleOp"> {
  let summary = "Drop draft heads that no tree is deep enough for";
  let description = [{
    A tree of depth d reads the candidates of d heads; the others are taken from its operands. Where a head's candidates have no reader, its `decode.heads` calls
    a clone of the function without them, in which what they were computed from is gone too.

    Functions without a body, and heads that are all read, are left alone.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def SizeTreesPass : Pass<"yoke-size-trees"> {
  let summary = "Cut fixed trees to what pays by the measured costs of steps";
  let description = [{
    For loops that know what a step of so many rows costs (`costs`): a topology keeps the nodes, most probable first, for which the expected number of tokens of a step divided
    by its cost is largest. A node is accepted with the probability of its rank, given that its parent is.

    Before, with `costs = [1.0, 4.0]` at 1 and 4 rows and `acceptance=0.6,0.2`: `#decode.topology<[0], [1], [0, 0]>`; after: `#decode.topology<>`: even the best
    guess gives 0.6 tokens for the cost of a whole step.

    Loops without costs are left alone; trees that a drafter makes as it goes are sized while running.
  }];
  let options = [ListOption<"acceptance", "acceptance", "double",
                            "Probability of a guess by its rank (default: 0.45,0.15,0.08,0.05,0.04,0.03,0.03,0.02)">];
}

def SpecialiseRowsPass : Pass<"yoke-specialise-rows", "::mlir::ModuleOp"> {
  let summary = "Clone the step of a loop for numbers of rows";
  let description = [{
    A `decode.verify` gets `buckets`, and the module a clone of its step for each, `@<step>_r<rows>`, with the attribute `llm.rows`: it is called for exactly so many
    tokens, all of whose rows are wanted, so that its kernels are made with constants for loop bounds. Other numbers of rows go to the step itself; no rows are
    added to reach a bucket. Results are the same to the last bit, since no sum depends on the number of rows.

    Buckets above a tree's nodes, and steps without a body, are left out.
  }];
  let options = [ListOption<"rows", "rows", "int64_t", "Numbers of rows, ascending">];
}

def LowerLoopPass : Pass<"yoke-lower-loop", "::mlir::ModuleOp"> {
  let summary = "Turn decode.loop into a function of the loop ABI";
  let description = [{
    A function of one `decode.loop` becomes `@yoke_<name>` with the signature of `lib/Package/LoopAbi.h`, which every thread of a team runs: control flow, the walk
    that accepts guesses, fixed trees and the step's arrays are code; tables, text and cache are reached through hooks. It calls `@yoke_step`, declared here,
    which `--yoke-lower-to-kernels` makes of `@step`. Values change in place; a program that reads one after it changed is refused.

    The module's `decode.loop` attribute says for the package what there is: the loops' `capacity` and, for a greedy one, `best` tokens of a row.

    Modules without a loop are left alone.
  }];
  let options = [Option<"maxTokens", "max-tokens", "int64_t", "512", "Most tokens of one step">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

#endif // YOKE_PASSES_DECODE_PASSES_TD
