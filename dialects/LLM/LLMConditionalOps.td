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

def LLM_ModalitiesOp : LLM_Op<"modalities"> {
  let summary = "modality of each token, known from its id";
  let description = [{
    Tokens with ids from `begins[i]` up to `ends[i]`, that one excluded, have the modality `numbers[i]`; all others have modality 0. tokens and
    modalities: [T].

    Example, ids 8192 to 16383 are pictures:
    ```mlir
    %m = llm.modalities %tokens {begins = array<i64: 8192>, ends = array<i64: 16384>, numbers = array<i64: 1>}
    ```

    Constraints: as many begins, ends and numbers; every range holds an id, ids are not negative and fit in i32; ranges are in order and do not overlap; numbers are
    from 1 to 255.
  }];
  let arguments = (ins LLM_RowNumbers:$tokens, DenseI64ArrayAttr:$begins, DenseI64ArrayAttr:$ends, DenseI64ArrayAttr:$numbers);
  let results = (outs LLM_RowNumbers:$modalities);
  let assemblyFormat = "$tokens attr-dict";
  let hasVerifier = 1;
}

def LLM_SegmentsOp : LLM_Op<"segments", [InferTypeOpAdaptor]> {
  let summary = "modality of each token, known from the markers before it";
  let description = [{
    A token `opens[i]` begins a segment of modality `numbers[i]`, which lasts up to the next marker of the sequence: a token of `closes` ends it, one of
    `opens` begins another. Tokens between the two have that modality; markers themselves and all tokens outside have modality 0. tokens and modalities: [T].

    Which segment is open behind a token is kept as the first element of its key in `layer` of the cache, which no attention uses, so that it is
    committed, copied and taken back with the token's keys and values: nodes of a draft tree, beams and later steps know it.

    Example:
    ```mlir
    %m, %cache1 = llm.segments %tokens, %batch, %cache {layer = 2, opens = array<i64: 40>, closes = array<i64: 41>, numbers = array<i64: 1>}
        : !llm.kv_cache<layers = 3, heads = 2, head_dim = 16, f32>
    ```

    Constraints: as many opens, closes and numbers, at least one; markers are ids, and all different; numbers are from 1 to 255; layer is a layer of the cache.
  }];
  let arguments = (ins LLM_RowNumbers:$tokens, LLM_BatchType:$batch, LLM_KVCacheType:$cache, I64Attr:$layer,
                       DenseI64ArrayAttr:$opens, DenseI64ArrayAttr:$closes, DenseI64ArrayAttr:$numbers);
  let results = (outs LLM_RowNumbers:$modalities, LLM_KVCacheType:$new_cache);
  let assemblyFormat = "$tokens `,` $batch `,` $cache attr-dict `:` type($cache)";
  let hasVerifier = 1;
}

def LLM_ByModalityOp : LLM_Op<"by_modality", [SingleBlock]> {
  let summary = "each row through the region of its token's modality";
  let description = [{
    A row of each result is what region `modalities[t]` makes of row t of each input: modality-specific projections, norms and feed-forward blocks of a
    Mixture-of-Transformers (Liang et al., 2024), with attention outside, over the whole sequence. inputs and outputs: [T, D] each, modalities: [T].

    What a region makes of a row depends on that row alone, so its arguments may hold the rows of its modality and no others. A region whose modality no token has is not
    computed, and the weights that it loads are not read.

    Example, a norm and a projection of two modalities:
    ```mlir
    %q = llm.by_modality %m (%x) : (tensor<?x64xf32>) -> tensor<?x64xf32> {
    ^bb0(%rows: tensor<?x64xf32>):
      %n = llm.rms_norm %rows, %g0 {epsilon = 1.0e-6 : f32} : tensor<?x64xf32>, tensor<64xf32>
      %l = llm.linear %n, %w0 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      llm.yield %l : tensor<?x64xf32>
    }, {
    ^bb0(%rows: tensor<?x64xf32>):
      %n = llm.rms_norm %rows, %g1 {epsilon = 1.0e-6 : f32} : tensor<?x64xf32>, tensor<64xf32>
      %l = llm.linear %n, %w1 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      llm.yield %l : tensor<?x64xf32>
    }
    ```

    Constraints: at least one region; inputs and outputs are rows of f32; each region has arguments of the inputs' types, yields values of the outputs' types, and
    reads no rows but those of its arguments, no batch and no cache; `modalities` gives no number that has no region. One region only, or regions that are
    all the same, are plain ops after canonicalisation.
  }];
  let arguments = (ins LLM_RowNumbers:$modalities, Variadic<LLM_Rows>:$inputs);
  let results = (outs Variadic<LLM_Rows>:$outputs);
  let regions = (region VariadicRegion<SizedRegion<1>>:$bodies);
  let assemblyFormat = "$modalities `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $bodies";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
}

} // ConditionalOps

#endif // YOKE_LLM_CONDITIONAL_OPS_TD
