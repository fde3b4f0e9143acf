#ifndef YOKE_PASSES_SKIP_PASSES_TD
#define YOKE_PASSES_SKIP_PASSES_TD

include "mlir/Pass/PassBase.td"

def SkipFfnPass : Pass<"yoke-skip-ffn", "::mlir::ModuleOp"> {
  let summary = "Let rows skip feed-forward blocks";
  let description = [{
    In @step, `x + f(x)` of the layers from `first` up to `last` becomes `llm.ffn_skip` with the given policy, where f has a projection or experts, works row
    by row, and nothing else reads what it computes on the way. A layer's number is that of its attention. A layer in the range without such a block
    is an error that names it.

    Before:
    ```mlir
    %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %d = llm.linear %n, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %y = arith.addf %x, %d : tensor<?x64xf32>
    ```
    After:
    ```mlir
    %y, %left = llm.ffn_skip %x after %left0 at %positions {k = 1 : i64, tau = 0.95 : f32, warm_up = 16 : i64} : tensor<?x64xf32> {
    ^bb0(%rows: tensor<?x64xf32>):
      %n = llm.rms_norm %rows, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
      %d = llm.linear %n, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      llm.yield %d : tensor<?x64xf32>
    }
    ```
  }];
  let options = [
    Option<"first", "first", "int64_t", "0", "First layer that has the policy">,
    Option<"last", "last", "int64_t", "0", "The layer behind the last one that has it">,
    Option<"warmUp", "warm-up", "int64_t", "0", "Position from which on rows may skip">,
    Option<"tau", "tau", "double", "0", "Cosine of a row before and after a block from which on it skips">,
    Option<"k", "k", "int64_t", "1", "Blocks that a row then skips">,
    Option<"record", "record", "bool", "false", "Skip none, but record the cosines">
  ];
  let dependentDialects = ["::yoke::llm::LLMDialect"];
}

#endif // YOKE_PASSES_SKIP_PASSES_TD
