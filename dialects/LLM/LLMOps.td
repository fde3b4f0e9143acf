#ifndef YOKE_LLM_OPS_TD
#define YOKE_LLM_OPS_TD

include "LLM/LLMAttrs.td"
include "LLM/LLMTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

//===----------------------------------------------------------------------===//
// Operand kinds
//===----------------------------------------------------------------------===//

/// Every dimension is static but the first `ragged`.
class LLM_StaticSizes<int ragged> : CPred<
    "!::llvm::any_of(::llvm::cast<::mlir::RankedTensorType>($_self).getShape().drop_front(" # ragged # "), ::mlir::ShapedType::isDynamic)">;

class LLM_Tensor<int rank, list<Type> elements, int ragged, string summary> : Type<
    And<[TensorRankOf<elements, [rank]>.predicate, LLM_StaticSizes<ragged>]>, summary, "::mlir::RankedTensorType">;

def LLM_WeightElement : AnyTypeOf<[F32, BF16, F16, LLM_QuantType]>;
def LLM_Rows : LLM_Tensor<2, [F32, BF16, F16], 1, "rows of activations, tensor<?xDxf32|bf16|f16>">;
def LLM_Matrix : LLM_Tensor<2, [LLM_WeightElement], 0, "weight matrix, tensor<NxKxf32|bf16|f16|quant>">;
def LLM_Stack : LLM_Tensor<3, [F32, BF16, F16], 0, "one matrix a head, tensor<HxNxKxf32|bf16|f16>">;
def LLM_Vector : LLM_Tensor<1, [F32, BF16, F16], 0, "weight vector, tensor<Nxf32|bf16|f16>">;
def LLM_Ids : 1DTensorOf<[I32]>;

class LLM_Op<string mnemonic, list<Trait> traits = []> : Op<LLM_Dialect, mnemonic, !listconcat([Pure], traits)>;

/// An op whose one result has the type of its first operand.
class LLM_SameTypeOp<string mnemonic, list<Trait> traits = []>
    : LLM_Op<mnemonic, !listconcat([DeclareOpInterfaceMethods<InferTypeOpInterface>], traits)> {
  code inferSameType = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>, ::mlir::ValueRange operands,
        ::mlir::DictionaryAttr, ::mlir::OpaqueProperties, ::mlir::RegionRange, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      if (operands.empty())
        return ::mlir::failure();
      types.push_back(operands[0].getType());
      return ::mlir::success();
    }
  }];
  let extraClassDefinition = inferSameType;
}

class OpGroup<string name, string text> : OpDocGroup {
  let summary = name;
  let description = text;
}

//===----------------------------------------------------------------------===//
def EntryOps : OpGroup<"Tokens and positions", "What turns a batch into activations and angles.">;
let opDocGroup = EntryOps in {

def LLM_PositionsOp : LLM_Op<"positions"> {
  let summary = "position of each token in its sequence";
  let description = [{
    Result: [T]. With learned position embeddings these are the ids of `llm.embedding`.

    Example: `%p = llm.positions %batch : tensor<?xi32>`
  }];
  let arguments = (ins LLM_BatchType:$batch);
  let results = (outs LLM_Ids:$positions);
  let assemblyFormat = "$batch attr-dict `:` type($positions)";
}

def LLM_EmbeddingOp : LLM_Op<"embedding"> {
  let summary = "one table row per id";
  let description = [{
    Row `ids[t] + offset` of `table` (OPT stores its positions from row 2 on). ids: [T], table: [V, D], result: [T, D].

    Example: `%x = llm.embedding %ids, %table : (tensor<?xi32>, tensor<49152x576xbf16>) -> tensor<?x576xf32>`

    Constraints: the result's D is the table's.
  }];
  let arguments = (ins LLM_Ids:$ids, LLM_Matrix:$table, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def LLM_RopeTableOp : LLM_Op<"rope_table", [InferTypeOpAdaptor]> {
  let summary = "cosines and sines of the batch's positions";
  let description = [{
    Result: [T, dims]; the first dims/2 columns are cos(position * frequency) * magnitude, the others the sines. The
    angle is the float32 product, as in PyTorch. Every layer shares one table.

    Example: `%table = llm.rope_table %batch {rope = #rope} : tensor<?x64xf32>`
  }];
  let arguments = (ins LLM_BatchType:$batch, LLM_RopeAttr:$rope);
  let results = (outs LLM_Rows:$table);
  let assemblyFormat = "$batch attr-dict `:` type($table)";
}

} // EntryOps

//===----------------------------------------------------------------------===//
def ProjectionOps : OpGroup<"Projections", "Products with weight matrices: where the time goes.">;
let opDocGroup = ProjectionOps in {

class LLM_ProjectionOp<string mnemonic> : LLM_Op<mnemonic, [InferTypeOpAdaptor]> {
  let hasVerifier = 1;
}

def LLM_LinearOp : LLM_ProjectionOp<"linear"> {
  let summary = "x times the transposed weight, plus an optional bias";
  let description = [{
    x: [T, K], weight: [N, K] as PyTorch stores it, bias: [N], result: [T, N]. Sums are at least float32.

    With `x_type` x is rounded before it is multiplied: to bf16, element by element, for a bf16 weight; to i8 or i16 for a quantised weight, where each
    32 elements of a row, e.g. columns 32 to 63, become integers that are at most 127 or 32767 in magnitude, times one float32 scale.

    Example: `%y = llm.linear %x, %w : (tensor<?x576xf32>, tensor<960x576xbf16>) -> tensor<?x960xf32>`

    Constraints: K of x and weight agree; bias has N elements; x_type is one that the weight's elements allow.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Matrix:$weight, Optional<LLM_Vector>:$bias, OptionalAttr<TypeAttr>:$x_type);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasCanonicalizer = 1;
}

def LLM_LmHeadOp : LLM_ProjectionOp<"lm_head"> {
  let summary = "vocabulary logits of the tokens whose output is wanted";
  let description = [{
    As `llm.linear`, for the R rows that the batch asks for. x: [T, K], weight: [V, K], result: [R, V].

    Example: `%logits = llm.lm_head %x, %w, %batch : (tensor<?x576xf32>, tensor<49152x576xbf16>, !llm.batch) -> tensor<?x49152xf32>`

    Constraints: as `llm.linear`.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Matrix:$weight, LLM_BatchType:$batch, Optional<LLM_Vector>:$bias, OptionalAttr<TypeAttr>:$x_type);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight `,` $batch (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

def LLM_HeadLinearOp : LLM_ProjectionOp<"head_linear"> {
  let summary = "each head of x times the transpose of a matrix of its own";
  let description = [{
    x: [T, H * W], weight: [H, N, K], result: [T, H * N]. Of the W columns of a head, K are multiplied, from column `first` on:
    result[t, h * N + n] = sum over k of x[t, h * W + first + k] * weight[h, n, k]. Sums are at least float32. Latent attention takes queries to the latent
    space and values out of it in this way.

    Example: `%y = llm.head_linear %x, %w : (tensor<?x512xf32>, tensor<4x512x128xbf16>) -> tensor<?x2048xf32>`

    Constraints: H divides x's columns; first + K is at most W.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Stack:$weight, DefaultValuedAttr<I64Attr, "0">:$first);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x `,` $weight attr-dict `:` functional-type(operands, results)";
}

} // ProjectionOps

//===----------------------------------------------------------------------===//
def RowOps : OpGroup<"Row by row", "Each row of the result depends on the same row of the operands alone.">;
let opDocGroup = RowOps in {

def LLM_RmsNormOp : LLM_SameTypeOp<"rms_norm"> {
  let summary = "division by the root mean square, times a scale";
  let description = [{
    y = x / sqrt(mean(x^2) + epsilon) * (scale + scale_offset). x: [T, D], scale: [G] where G divides D: each run of G elements is normalised
    alone (G = head size gives query and key norms). Gemma stores scale - 1: scale_offset = 1.

    Example: `%y = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x576xf32>, tensor<576xbf16>`

    Constraints: G divides D; epsilon is not negative.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Vector:$scale, F32Attr:$epsilon, DefaultValuedAttr<F32Attr, "0.0f">:$scale_offset);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x `,` $scale attr-dict `:` type($x) `,` type($scale)";
  let hasVerifier = 1;
}

def LLM_LayerNormOp : LLM_SameTypeOp<"layer_norm"> {
  let summary = "subtraction of the mean, division by the standard deviation, times a scale, plus an optional bias";
  let description = [{
    y = (x - mean(x)) / sqrt(var(x) + epsilon) * scale + bias, the variance without Bessel's correction. x: [T, D], scale and bias: [D].

    Example: `%y = llm.layer_norm %x, %g bias %b {epsilon = 1.0e-5 : f32} : tensor<?x768xf32>, tensor<768xf32>, tensor<768xf32>`

    Constraints: scale and bias have D elements; epsilon is not negative.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Vector:$scale, Optional<LLM_Vector>:$bias, F32Attr:$epsilon);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x `,` $scale (`bias` $bias^)? attr-dict `:` type($x) `,` type($scale) (`,` type($bias)^)?";
  let hasVerifier = 1;
}

def LLM_ActivationOp : LLM_SameTypeOp<"activation"> {
  let summary = "an element-wise activation function";
  let description = [{
    The kinds are those of Hugging Face's `ACT2FN`: `silu`, `gelu` (erf), `gelu_tanh` (gelu_new, gelu_pytorch_tanh), `gelu_quick`, `relu`,
    `relu_squared`, `tanh`, `sigmoid`.

    Example: `%y = llm.activation gelu_tanh %x : tensor<?x3072xf32>`
  }];
  let arguments = (ins LLM_ActivationKindAttr:$kind, LLM_Rows:$x);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "`` $kind $x attr-dict `:` type($x)";
  let hasFolder = 1;
}

def LLM_GatedOp : LLM_SameTypeOp<"gated", [AllTypesMatch<["gate", "up"]>]> {
  let summary = "activation(gate) * up";
  let description = [{
    The inner product form of SwiGLU and GeGLU feed-forward blocks. gate, up, result: [T, D].

    Example: `%y = llm.gated silu %gate, %up : tensor<?x1536xf32>`
  }];
  let arguments = (ins LLM_ActivationKindAttr:$kind, LLM_Rows:$gate, LLM_Rows:$up);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "`` $kind $gate `,` $up attr-dict `:` type($gate)";
}

def LLM_ScaleOp : LLM_SameTypeOp<"scale"> {
  let summary = "multiplication by a constant";
  let description = [{
    Example, Gemma's embedding scale: `%y = llm.scale %x {factor = 8.0 : f32} : tensor<?x64xf32>`
  }];
  let arguments = (ins LLM_Rows:$x, F32Attr:$factor);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def LLM_SoftcapOp : LLM_SameTypeOp<"softcap"> {
  let summary = "cap * tanh(x / cap)";
  let description = [{
    Bounds logits smoothly (Gemma 2). Example: `%y = llm.softcap %x {cap = 30.0 : f32} : tensor<?x256000xf32>`

    Constraints: cap is positive.
  }];
  let arguments = (ins LLM_Rows:$x, F32Attr:$cap);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def LLM_BiasOp : LLM_SameTypeOp<"bias"> {
  let summary = "one vector added to every row";
  let description = [{
    x: [T, D], vector: [D]. After a linear op it folds into that op's bias.

    Example: `%y = llm.bias %x, %b : tensor<?x384xf32>, tensor<384xf32>`

    Constraints: the vector has D elements.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Vector:$vector);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x `,` $vector attr-dict `:` type($x) `,` type($vector)";
  let hasVerifier = 1;
}

def LLM_ConcatHeadsOp : LLM_Op<"concat_heads", [InferTypeOpAdaptor]> {
  let summary = "the heads of two values, one behind the other";
  let description = [{
    a: [T, heads * A], b: [T, heads * B], result: [T, heads * (A + B)]: of each head the A columns of a, then the B columns of b.

    Example: `%q = llm.concat_heads %rotary, %latent {heads = 4} : tensor<?x256xf32>, tensor<?x2048xf32>`

    Constraints: heads divides the columns of both, which have the same element type.
  }];
  let arguments = (ins LLM_Rows:$a, LLM_Rows:$b, I64Attr:$heads);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b)";
  let hasVerifier = 1;
}

def LLM_ReshapeRowsOp : LLM_Op<"reshape_rows"> {
  let summary = "the same elements as rows of another length";
  let description = [{
    Row-major, nothing moves: x of [T, N * D] to [T * N, D], whose rows t * N, t * N + 1, ... are the parts of row t; or x of [T * N, D] to
    [T, N * D]. Draft heads make one product for all heads of it, and one row of the tokens of a path.

    Example: `%r = llm.reshape_rows %x : tensor<?x1024xf32> -> tensor<?x256xf32>`

    Constraints: the columns of one divide those of the other; the element types agree.
  }];
  let arguments = (ins LLM_Rows:$x);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def LLM_RopeOp : LLM_SameTypeOp<"rope"> {
  let summary = "rotary position embedding";
  let description = [{
    Rotates the first `dims` elements of each head of `head_dim` elements by the table's angles; the others pass (partial rotary). x: [T,
    heads * head_dim], table: [T, dims] of `llm.rope_table`.

    Example: `%q1 = llm.rope %q, %table {head_dim = 64, style = #llm.rope_style<half>} : tensor<?x576xf32>, tensor<?x64xf32>`

    Constraints: head_dim divides x's columns; dims is even and at most head_dim.
  }];
  let arguments = (ins LLM_Rows:$x, LLM_Rows:$table, I64Attr:$head_dim,
                       DefaultValuedAttr<LLM_RopeStyleAttr, "::yoke::llm::RopeStyle::half">:$style);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "$x `,` $table attr-dict `:` type($x) `,` type($table)";
  let hasVerifier = 1;
}

} // RowOps

//===----------------------------------------------------------------------===//
def SequenceOps : OpGroup<"Across a sequence", "Rows meet other rows of their sequence, as the batch says.">;
let opDocGroup = SequenceOps in {

def LLM_AttentionOp : LLM_Op<"attention", [InferTypeOpAdaptor]> {
  let summary = "multi-head, grouped-query or multi-query attention over the cached and the new tokens";
  let description = [{
    With a cache, the step's keys and values are first appended at the slots of the batch, and a token sees the slots the batch says it sees;
    without one (encoders), tokens see each other. q: [T, heads * head_dim], k, v: [T, kv_heads * head_dim], result as q.
    Query head h reads key/value head h / (heads / kv_heads).

    scores = q . k * scale; with `softcap` c: c * tanh(scores / c); with `window` w a token at position p sees positions greater than p - w. The
    softmax is streamed: the score matrix never exists.

    Example:
    ```mlir
    %o, %cache1 = llm.attention %q, %k, %v, %batch cache %cache {heads = 9, kv_heads = 3, layer = 0, scale = 0.125 : f32}
      : (tensor<?x576xf32>, tensor<?x192xf32>, tensor<?x192xf32>, !llm.batch, !llm.kv_cache<layers = 30, heads = 3, head_dim = 64, f32>)
      -> (tensor<?x576xf32>, !llm.kv_cache<layers = 30, heads = 3, head_dim = 64, f32>)
    ```

    Constraints: kv_heads divides heads; heads divides q's columns; k and v have kv_heads heads of the same size; layer, kv_heads and head size
    fit the cache; a cache is given exactly when one is returned; a bidirectional mask has no cache and no window; softcap is positive.
  }];
  let arguments = (ins LLM_Rows:$q, LLM_Rows:$k, LLM_Rows:$v, LLM_BatchType:$batch, Optional<LLM_KVCacheType>:$cache,
                       I64Attr:$heads, I64Attr:$kv_heads, F32Attr:$scale,
                       DefaultValuedAttr<I64Attr, "0">:$layer,
                       DefaultValuedAttr<LLM_AttentionMaskAttr, "::yoke::llm::AttentionMask::causal">:$mask,
                       OptionalAttr<I64Attr>:$window, OptionalAttr<F32Attr>:$softcap);
  let results = (outs LLM_Rows:$result, Optional<LLM_KVCacheType>:$new_cache);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $batch (`cache` $cache^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Elements of one head.
    int64_t getHeadDim() { return getQ().getType().getDimSize(1) / static_cast<int64_t>(getHeads()); }
  }];
}

def LLM_PoolOp : LLM_SameTypeOp<"pool"> {
  let summary = "one row per sequence";
  let description = [{
    x: [T, D], result: [R, D] for R sequences whose tokens are contiguous: their `mean`, `first` or `last` row; with `normalize` divided by its
    Euclidean norm (at least 1e-12).

    Example: `%e = llm.pool mean %x, %batch {normalize} : tensor<?x384xf32>`
  }];
  let arguments = (ins LLM_PoolKindAttr:$kind, LLM_Rows:$x, LLM_BatchType:$batch, UnitAttr:$normalize);
  let results = (outs LLM_Rows:$result);
  let assemblyFormat = "`` $kind $x `,` $batch attr-dict `:` type($x)";
}

} // SequenceOps

//===----------------------------------------------------------------------===//
def FusionOps : OpGroup<"Fusion", "Which ops become one kernel.">;
let opDocGroup = FusionOps in {

def LLM_FusedOp : Op<LLM_Dialect, "fused", [IsolatedFromAbove, Pure, SingleBlock]> {
  let summary = "ops that lower as one kernel";
  let description = [{
    Computes what its region computes. `kernel` names the kind of kernel after its ops.

    Example:
    ```mlir
    %y = llm.fused "rms_norm.linear" (%x, %g, %w) : (tensor<?x576xf32>, tensor<576xbf16>, tensor<960x576xbf16>) -> tensor<?x960xf32> {
    ^bb0(%x0: tensor<?x576xf32>, %g0: tensor<576xbf16>, %w0: tensor<960x576xbf16>):
      %n = llm.rms_norm %x0, %g0 {epsilon = 1.0e-5 : f32} : tensor<?x576xf32>, tensor<576xbf16>
      %l = llm.linear %n, %w0 : (tensor<?x576xf32>, tensor<960x576xbf16>) -> tensor<?x960xf32>
      llm.yield %l : tensor<?x960xf32>
    }
    ```

    Constraints: the region's arguments have the operands' types and its `llm.yield` the results' types.
  }];
  let arguments = (ins StrAttr:$kernel, Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$kernel `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body";
  let hasRegionVerifier = 1;
}

def LLM_YieldOp : Op<LLM_Dialect, "yield", [Pure, Terminator, ReturnLike, ParentOneOf<["FusedOp", "FfnSkipOp", "ByModalityOp"]>]> {
  let summary = "what a region computes";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

} // FusionOps

include "LLM/LLMConditionalOps.td"

#endif // YOKE_LLM_OPS_TD
