#ifndef YOKE_LLM_CONDITIONAL_OPS_TD
#define YOKE_LLM_CONDITIONAL_OPS_TD

// Included by LLMOps.td, behind what ops are made of.

/// One number a row.
def LLM_RowNumbers : Type<And<[LLM_Ids.predicate, CPred<"!::llvm::cast<::mlir::RankedTensorType>($_self).hasStaticShape()">]>, "tensor<?xi32>",
                          "::mlir::RankedTensorType">,
                     BuildableType<"::mlir::RankedTensorType::get({::mlir::ShapedType::kDynamic}, $_builder.getI32Type())">;

//===----------------------------------------------------------------------===//
def ConditionalOps : OpGroup<"Conditional", "Regions that are computed for some rows only.">;
let opDocGroup = ConditionalOps in {

def LLM_FfnSkipOp : LLM_Op<"ffn_skip", [SingleBlock, InferTypeOpAdaptor]> {
  let summary = "x plus what a feed-forward block makes of it, for the rows that do not skip it";
  let description = [{
    The policy of FFN-SkipLLM (EMNLP 2024), row by row. `skips` says of each row how many feed-forward blocks it still skips, none when absent. A row
    that skips no block has result[t] = x[t] + f(x[t]), where f is the region; if its token's position is at least `warm_up` and the cosine of x[t] and
    result[t] is at least `tau`, it skips the next `k` blocks. A row that skips this one has result[t] = x[t], and one less to skip. `remaining` says
    how many are left. x and result: [T, D], positions, skips and remaining: [T].

    f depends on each row alone, so its argument may hold the rows that need it and no others. Attention stands outside: keys and values of all tokens are
    there in all layers. The first and last ("cold") layers have no such op. With `record` no row ever skips, and compiled
    code keeps the cosines of each step for the runtime.

    Example:
    ```mlir
    %y, %left1 = llm.ffn_skip %x after %left0 at %positions {warm_up = 16, tau = 0.95 : f32, k = 2} : tensor<?x64xf32> {
    ^bb0(%rows: tensor<?x64xf32>):
      %n = llm.rms_norm %rows, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
      %h = llm.linear %n, %up : (tensor<?x64xf32>, tensor<256x64xf32>) -> tensor<?x256xf32>
      %a = llm.activation gelu %h : tensor<?x256xf32>
      %d = llm.linear %a, %down : (tensor<?x256xf32>, tensor<64x256xf32>) -> tensor<?x64xf32>
      llm.yield %d : tensor<?x64xf32>
    }
    ```

    Constraints: x is float32; warm_up is not negative; k is at least 1; tau is finite; the region has one argument of x's type, yields one value of it, and
    reads no rows but those of its argument, no batch and no cache.
  }];
  let arguments = (ins LLM_Rows:$x, Optional<LLM_RowNumbers>:$skips, LLM_RowNumbers:$positions, I64Attr:$warm_up, F32Attr:$tau, I64Attr:$k, UnitAttr:$record);
  let results = (outs LLM_Rows:$result, LLM_RowNumbers:$remaining);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$x (`after` $skips^)? `at` $positions attr-dict `:` type($x) $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// False when every row is computed: no earlier op could make a row skip this one.
    bool mayBeSkipped() { return getSkips() && !getRecord(); }
  }];
}

} // ConditionalOps

#endif // YOKE_LLM_CONDITIONAL_OPS_TD
