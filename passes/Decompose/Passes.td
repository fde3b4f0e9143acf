#ifndef YOKE_PASSES_DECOMPOSE_PASSES_TD
#define YOKE_PASSES_DECOMPOSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposePass : Pass<"yoke-decompose", "::mlir::func::FuncOp"> {
  let summary = "Write llm ops as linalg in destination style, which upstream bufferizes";
  let description = [{
    Every op that implements linalg's `AggregatedOpInterface` is replaced by its decomposition, and element-wise arith and math ops on tensors become
    `linalg.generic`. The result is what `--one-shot-bufferize` and linalg's own passes take: projections are `linalg.matmul`, all else is
    `linalg.generic` over rows and columns; float32 inside, bf16 and f16 widened where they are read.

    Decomposed: `llm.embedding`, `llm.linear`, `llm.rms_norm`, `llm.layer_norm`, `llm.activation`, `llm.gated`, `llm.scale`, `llm.softcap`, `llm.bias`,
    `llm.rope`, `llm.rope_table` (to `llm.positions` and linalg), `llm.fused` (to the ops of its region, which are decomposed in turn).

    What stays reads something that is no tensor, so that it has a meaning in memory only together with the step's layout, which `--yoke-lower-cpu`
    decides:

    | op | reads |
    |---|---|
    | `llm.positions` | the batch |
    | `llm.lm_head`, `llm.pool` | the batch: its wanted rows |
    | `llm.attention` | the batch and the paged cache |
    | `llm.linear` with a quantised weight | groups of integers and their scales |
    | `ml_program.global_load_const` | bytes that are placed when weights are packed |

    The pass ends with a check of that: each kind of op that has tensors and that bufferization does not know is a remark at the first such op, with
    their number; with `complete` an error. `--one-shot-bufferize="allow-unknown-ops
    dialect-filter=arith,bufferization,linalg,tensor"` goes around them (the filter keeps it from making `memref.global` of weights).

    Before:
    ```mlir
    %y = llm.linear %x, %w : (tensor<?x64xf32>, tensor<96x64xbf16>) -> tensor<?x96xf32>
    ```
    After:
    ```mlir
    %T = tensor.dim %x, %c0 : tensor<?x64xf32>
    %e = tensor.empty(%T) : tensor<?x96xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x96xf32>) -> tensor<?x96xf32>
    %y = linalg.matmul indexing_maps = [(t, n, k) -> (t, k), (t, n, k) -> (n, k), (t, n, k) -> (t, n)]
      ins(%x, %w : tensor<?x64xf32>, tensor<96x64xbf16>) outs(%z : tensor<?x96xf32>) -> tensor<?x96xf32>
    ```
  }];
  let options = [Option<"complete", "complete", "bool", "false", "Fail when an op is left that bufferization does not know">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // YOKE_PASSES_DECOMPOSE_PASSES_TD
