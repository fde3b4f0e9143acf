#ifndef YOKE_MOE_OPS_TD
#define YOKE_MOE_OPS_TD

include "MoE/MoEBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MoE_Scoring : I32EnumAttr<"Scoring", "what a router makes of its logits", [
  I32EnumAttrCase<"softmax", 0>,          // over all experts, then the choice
  I32EnumAttrCase<"softmax_chosen", 1>,   // the choice, then over the chosen ones
  I32EnumAttrCase<"sigmoid", 2>           // of each alone
]> {
  let cppNamespace = "::yoke::moe";
  let genSpecializedAttr = 0;
}
def MoE_ScoringAttr : EnumAttr<MoE_Dialect, MoE_Scoring, "scoring">;

/// Every dimension is static but the first `ragged`.
class MoE_StaticSizes<int ragged> : CPred<
    "!::llvm::any_of(::llvm::cast<::mlir::RankedTensorType>($_self).getShape().drop_front(" # ragged # "), ::mlir::ShapedType::isDynamic)">;

class MoE_Tensor<int rank, list<Type> elements, int ragged, string summary> : Type<
    And<[TensorRankOf<elements, [rank]>.predicate, MoE_StaticSizes<ragged>]>, summary, "::mlir::RankedTensorType">;

def MoE_Rows : MoE_Tensor<2, [F32], 1, "rows of activations, tensor<?xDxf32>">;
def MoE_Choices : MoE_Tensor<2, [I32], 1, "rows of numbers of experts, tensor<?xkxi32>">;
def MoE_Vector : MoE_Tensor<1, [F32, BF16, F16], 0, "one number an expert, tensor<Exf32|bf16|f16>">;
def MoE_Quant : Type<CPred<"::llvm::isa<::yoke::llm::QuantType>($_self)">, "quantised element">;
def MoE_Stack : MoE_Tensor<3, [F32, BF16, F16, MoE_Quant], 0, "one matrix an expert, tensor<ExNxKxf32|bf16|f16|quant>">;

class MoE_Op<string mnemonic, list<Trait> traits = []> : Op<MoE_Dialect, mnemonic, !listconcat([Pure], traits)>;

def MoE_RouteOp : MoE_Op<"route", [InferTypeOpAdaptor]> {
  let summary = "the experts of each token and their weights";
  let description = [{
    logits: [T, E]; weights and experts: [T, top_k]. `experts` holds, for each token, the `top_k` experts of the largest logits, the largest first;
    of equal logits the lower number comes first, and a logit that is no number counts as minus infinity in the choice. `weights` are their scores: the softmax over all experts
    (`softmax`), the softmax over the chosen ones (`softmax_chosen`), or the sigmoid of each logit (`sigmoid`). With a `bias` [E], which a `sigmoid` may
    have, the choice goes by sigmoid(logit) + bias instead of the logit; weights do not change. With `groups` the experts are that many runs of equal length, and
    only those of the `top_groups` first groups can be chosen: groups are ordered as experts are, by the largest of their experts' numbers, or with `pairs` by
    the sum of the two largest. With `normalize` a token's weights are divided by
    their sum plus 1e-20. At last they are multiplied by `scale`.

    Example, as Mixtral routes:
    ```mlir
    %w, %e = moe.route softmax %logits {top_k = 2, normalize} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
    ```

    As DeepSeek-V3 routes:
    ```mlir
    %w, %e = moe.route sigmoid %logits bias %b : tensor<256xf32> {top_k = 8, groups = 8, top_groups = 4, pairs, normalize, scale = 2.5 : f32}
        : tensor<?x256xf32> -> tensor<?x8xf32>, tensor<?x8xi32>
    ```

    Constraints: 1 <= top_k <= the experts of top_groups groups; groups divides E; 1 <= top_groups <= groups; pairs need groups of two experts or more; scale is
    finite; bias has E elements.
  }];
  let arguments = (ins MoE_ScoringAttr:$scoring, MoE_Rows:$logits, Optional<MoE_Vector>:$bias, I64Attr:$top_k, UnitAttr:$normalize,
                       DefaultValuedAttr<F32Attr, "1.0f">:$scale, DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$top_groups, UnitAttr:$pairs);
  let results = (outs MoE_Rows:$weights, MoE_Choices:$experts);
  let assemblyFormat = "`` $scoring $logits (`bias` $bias^ `:` type($bias))? attr-dict `:` type($logits) `->` type($weights) `,` type($experts)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether the choice goes by other numbers than the logits.
    bool ranksApart() { return getBias() || getGroups() > 1; }
  }];
}

def MoE_ExpertsOp : MoE_Op<"experts", [IsolatedFromAbove, SingleBlock]> {
  let summary = "the weighted sum of what each token's experts make of it";
  let description = [{
    result[t] = sum over j of weights[t, j] * f(x[t], matrices of expert experts[t, j]), in the order of j, where f is the region. Its
    arguments are rows of x and, for each operand of `matrices`, the matrix [N, K] of one expert; it yields as many rows. What f makes
    of a row depends on that row alone, so rows of one expert may be computed together. x: [T, D], weights and experts: [T, k], matrices: [E, N, K] each.

    Example, the experts of Mixtral:
    ```mlir
    %y = moe.experts %x, %w, %e, (%gate_up, %down)
        : (tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<8x352x64xbf16>, tensor<8x64x176xbf16>) -> tensor<?x64xf32> {
    ^bb0(%row: tensor<?x64xf32>, %gu: tensor<352x64xbf16>, %d: tensor<64x176xbf16>):
      %c0 = arith.constant 0 : index
      %both = llm.linear %row, %gu : (tensor<?x64xf32>, tensor<352x64xbf16>) -> tensor<?x352xf32>
      %rows = tensor.dim %both, %c0 : tensor<?x352xf32>
      %gate = tensor.extract_slice %both[0, 0] [%rows, 176] [1, 1] : tensor<?x352xf32> to tensor<?x176xf32>
      %up = tensor.extract_slice %both[0, 176] [%rows, 176] [1, 1] : tensor<?x352xf32> to tensor<?x176xf32>
      %inner = llm.gated silu %gate, %up : tensor<?x176xf32>
      %out = llm.linear %inner, %d : (tensor<?x176xf32>, tensor<64x176xbf16>) -> tensor<?x64xf32>
      moe.yield %out : tensor<?x64xf32>
    }
    ```

    Constraints: weights and experts have the same number of columns, at most E; all matrices are of the same number E of experts, at least one matrix;
    the region's arguments are of x's type and of the matrices' types without their first dimension; its `moe.yield` has the result's type.
  }];
  let arguments = (ins MoE_Rows:$x, MoE_Rows:$weights, MoE_Choices:$experts, Variadic<MoE_Stack>:$matrices);
  let results = (outs MoE_Rows:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $x `,` $weights `,` $experts `,` `(` $matrices `)` attr-dict `:` functional-type(operands, results) $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Experts that there are.
    int64_t getCount() { return ::llvm::cast<::mlir::RankedTensorType>(getMatrices().front().getType()).getDimSize(0); }
    /// Experts of each token.
    int64_t getTopK() { return getExperts().getType().getDimSize(1); }
  }];
}

def MoE_YieldOp : MoE_Op<"yield", [Terminator, ReturnLike, HasParent<"ExpertsOp">]> {
  let summary = "what an expert makes of its rows";
  let arguments = (ins MoE_Rows:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def MoE_ScaleRowsOp : MoE_Op<"scale_rows", [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "each row times a number of its own";
  let description = [{
    result[t, d] = x[t, d] * factors[t, 0]. Gates what an expert that all tokens share gives. x: [T, D], factors: [T, 1], result: [T, D].

    Example: `%y = moe.scale_rows %x, %g : tensor<?x64xf32>, tensor<?x1xf32>`

    Constraints: factors has one column.
  }];
  let arguments = (ins MoE_Rows:$x, MoE_Rows:$factors);
  let results = (outs MoE_Rows:$result);
  let assemblyFormat = "$x `,` $factors attr-dict `:` type($x) `,` type($factors)";
  let hasVerifier = 1;
}

#endif // YOKE_MOE_OPS_TD
