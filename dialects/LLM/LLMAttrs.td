#ifndef YOKE_LLM_ATTRS_TD
#define YOKE_LLM_ATTRS_TD

include "LLM/LLMBase.td"

class LLM_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::yoke::llm";
  let genSpecializedAttr = 0;
}

/// Printed as `#llm.name<value>`, for attributes that stand in a dictionary.
class LLM_BracketedEnumAttr<EnumAttrInfo kind, string name> : EnumAttr<LLM_Dialect, kind, name> {
  let assemblyFormat = "`<` $value `>`";
}

def LLM_ActivationKind : LLM_Enum<"ActivationKind", "activation function", [
  I32EnumAttrCase<"silu", 0>,          // x * sigmoid(x)
  I32EnumAttrCase<"gelu", 1>,          // x/2 * (1 + erf(x / sqrt 2))
  I32EnumAttrCase<"gelu_tanh", 2>,     // x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
  I32EnumAttrCase<"gelu_quick", 3>,    // x * sigmoid(1.702 x)
  I32EnumAttrCase<"relu", 4>,
  I32EnumAttrCase<"relu_squared", 5>,
  I32EnumAttrCase<"tanh", 6>,
  I32EnumAttrCase<"sigmoid", 7>
]>;
def LLM_ActivationKindAttr : EnumAttr<LLM_Dialect, LLM_ActivationKind, "activation">;

def LLM_RopeStyle : LLM_Enum<"RopeStyle", "which elements of a head rotate together", [
  I32EnumAttrCase<"half", 0>,          // element i with element i + dims/2
  I32EnumAttrCase<"interleaved", 1>    // element 2i with element 2i + 1
]>;
def LLM_RopeStyleAttr : LLM_BracketedEnumAttr<LLM_RopeStyle, "rope_style">;

def LLM_AttentionMask : LLM_Enum<"AttentionMask", "which tokens of its sequence a token sees", [
  I32EnumAttrCase<"causal", 0>, I32EnumAttrCase<"bidirectional", 1>
]>;
def LLM_AttentionMaskAttr : LLM_BracketedEnumAttr<LLM_AttentionMask, "mask">;

def LLM_PoolKind : LLM_Enum<"PoolKind", "how a sequence becomes one row", [
  I32EnumAttrCase<"mean", 0>, I32EnumAttrCase<"first", 1>, I32EnumAttrCase<"last", 2>
]>;
def LLM_PoolKindAttr : EnumAttr<LLM_Dialect, LLM_PoolKind, "pool_kind">;

def LLM_WeightCoding : LLM_Enum<"WeightCoding", "how the elements of a weight follow from its pieces", [
  I32EnumAttrCase<"rounded", 0>,       // floats, rounded to the element type; groups are scaled by their extremes
  I32EnumAttrCase<"searched", 1>,      // floats; the scale of a group is the one that loses least
  I32EnumAttrCase<"stored", 2>         // integers and scales of the checkpoint
]>;

class LLM_Attr<string name, string attrMnemonic> : AttrDef<LLM_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def LLM_RopeAttr : LLM_Attr<"Rope", "rope"> {
  let summary = "angular frequencies of a rotary position embedding";
  let description = [{
    `frequencies[i]` is the angle, in radians per position, by which pair `i` turns; cosines and sines are multiplied by `magnitude`.
    Every scaling of the base frequencies (linear, NTK, YaRN, Llama 3) is a choice of these numbers,
    made at import. `long_frequencies`, when given, replace `frequencies` for a batch that holds a position of
    `long_from` or more (LongRoPE), with `long_magnitude`.

    Example: `#llm.rope<frequencies = [1.0, 0.1, 0.01, 0.001], magnitude = 1.0>`
  }];
  let parameters = (ins
    "::mlir::DenseF32ArrayAttr":$frequencies, APFloatParameter<"">:$magnitude,
    "::mlir::DenseF32ArrayAttr":$long_frequencies, APFloatParameter<"">:$long_magnitude,
    "int64_t":$long_from);
  let builders = [
    AttrBuilder<(ins "::llvm::ArrayRef<float>":$frequencies, "float":$magnitude,
                     CArg<"::llvm::ArrayRef<float>", "{}">:$longFrequencies, CArg<"float", "1.0f">:$longMagnitude,
                     CArg<"int64_t", "0">:$longFrom), [{
      return $_get($_ctxt, ::mlir::DenseF32ArrayAttr::get($_ctxt, frequencies), ::llvm::APFloat(magnitude),
                   ::mlir::DenseF32ArrayAttr::get($_ctxt, longFrequencies), ::llvm::APFloat(longMagnitude), longFrom);
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Elements of a head that rotate.
    int64_t getDims() const { return 2 * getFrequencies().size(); }
  }];
}

def LLM_PieceAttr : LLM_Attr<"Piece", "piece"> {
  let summary = "rows of one checkpoint tensor";
  let description = [{
    Rows of the matrix stored under `tensor`, as `count` blocks of `block` rows, the first at `offset`, each `stride` after the one before. A
    vector counts as a matrix of one column. `transposed` says that the checkpoint stores [in, out] where the program means
    [out, in] (GPT-2's Conv1D); rows are counted in the program's sense. With `columns` a row is that many elements from `first_column` on, instead
    of all, in the program's sense too.

    Example, the query rows of a GPT-NeoX fused projection with heads of 64:
    `#llm.piece<"h.0.attention.query_key_value.weight", offset = 0, block = 64, stride = 192, count = 8>`
  }];
  let parameters = (ins
    StringRefParameter<"name in the checkpoint">:$tensor,
    "int64_t":$offset, "int64_t":$block, "int64_t":$stride, "int64_t":$count,
    DefaultValuedParameter<"bool", "false">:$transposed,
    DefaultValuedParameter<"int64_t", "0">:$first_column, DefaultValuedParameter<"int64_t", "0">:$columns);
  let builders = [
    AttrBuilder<(ins "::llvm::StringRef":$tensor, "int64_t":$offset, "int64_t":$block, "int64_t":$stride, "int64_t":$count,
                     CArg<"bool", "false">:$transposed), [{
      return $_get($_ctxt, tensor, offset, block, stride, count, transposed, 0, 0);
    }]>
  ];
  let assemblyFormat = "`<` $tensor `,` struct($offset, $block, $stride, $count, $transposed, $first_column, $columns) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRows() const { return getBlock() * getCount(); }
    /// Elements of a row of the piece, of the `all` that a row of the tensor has; -1 when it has too few.
    int64_t width(int64_t all) const {
      int64_t width = getColumns() ? getColumns() : all;
      return getFirstColumn() <= all - width ? width : -1;
    }
    /// The row of the checkpoint tensor that is row `row` of the piece.
    int64_t sourceRow(int64_t row) const {
      return getOffset() + (row / getBlock()) * getStride() + row % getBlock();
    }
  }];
}

def LLM_WeightAttr : LLM_Attr<"Weight", "weight"> {
  let summary = "a weight as rows of checkpoint tensors";
  let description = [{
    The value of an `ml_program.global`: its pieces one below the other. `coding` says how a quantised element type's integers and scales
    are made of them.

    Example:
    ```mlir
    ml_program.global private @qkv(#llm.weight<#llm.piece<"q.weight", offset = 0, block = 64, stride = 64, count = 1>>) : tensor<64x64xbf16>
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"PieceAttr">:$pieces,
    DefaultValuedParameter<"::yoke::llm::WeightCoding", "::yoke::llm::WeightCoding::rounded">:$coding);
  let builders = [
    AttrBuilder<(ins "::llvm::ArrayRef<::yoke::llm::PieceAttr>":$pieces), [{
      return $_get($_ctxt, pieces, ::yoke::llm::WeightCoding::rounded);
    }]>
  ];
  let assemblyFormat = "`<` (`coding` `=` $coding^ `:`)? $pieces `>`";
  let extraClassDeclaration = [{
    int64_t getRows() const {
      int64_t rows = 0;
      for (PieceAttr piece : getPieces())
        rows += piece.getRows();
      return rows;
    }
  }];
}

def LLM_LayoutAttr : LLM_Attr<"Layout", "layout"> {
  let summary = "how a packed weight lies in the package";
  let description = [{
    `offset` is the byte offset in the package's weight section. A panel layout holds ceil(rows / panel) panels; a panel holds, for each group of
    `group` consecutive input elements, `panel` rows of `group` elements each (`group = 2` is the operand order of the bf16 dot-product
    instructions). Missing rows and inputs are zero. With `interleave = n` the panel's rows come alternately from the first and the
    second half of the matrix, `n` at a time, so that a gate and its value meet in registers. `panel = 0` is row-major. In the panels
    of a quantised weight, each 32 inputs (`group`) are a block: four inputs of every row, then the next four, and the rows' scales (and zero points)
    behind them; 4-bit elements share bytes with those four inputs further on.
  }];
  let parameters = (ins
    "int64_t":$offset, "int64_t":$panel, "int64_t":$group, "int64_t":$interleave);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // YOKE_LLM_ATTRS_TD
