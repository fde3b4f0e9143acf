#ifndef YOKE_LLM_TYPES_TD
#define YOKE_LLM_TYPES_TD

include "LLM/LLMBase.td"

class LLM_Type<string name, string typeMnemonic> : TypeDef<LLM_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def LLM_BatchType : LLM_Type<"Batch", "batch"> {
  let summary = "the tokens of one step: sequence, position, slot, visible prefix and parent of each";
  let description = [{
    Also carries which tokens' outputs are wanted. Its number of tokens is the `T` of every activation of the step.
  }];
}

def LLM_KVCacheType : LLM_Type<"KVCache", "kv_cache"> {
  let summary = "keys and values of all layers and sequences";
  let description = [{
    A value: `llm.attention` takes one and returns the one with this step's keys and values appended. Each cache value is used once
    (checked by the lowering), so that appending happens in place.

    Example: `!llm.kv_cache<layers = 30, heads = 3, head_dim = 64, f32>`
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$head_dim, "::mlir::FloatType":$element);
  let assemblyFormat = "`<` `layers` `=` $layers `,` `heads` `=` $heads `,` `head_dim` `=` $head_dim `,` $element `>`";
  let genVerifyDecl = 1;
}

def LLM_QuantType : LLM_Type<"Quant", "quant"> {
  let summary = "element of a group-wise quantised weight";
  let description = [{
    `storage` integers in groups of `group` along the input dimension share one `scale`; with `asymmetric` also one zero point of the
    storage type. The last group of a row may be shorter. An element is scale * (integer - zero point).

    Example: `tensor<960x576x!llm.quant<i4, group = 32, scale = f16>>`
  }];
  let parameters = (ins
    "::mlir::IntegerType":$storage, "int64_t":$group, "::mlir::FloatType":$scale,
    DefaultValuedParameter<"bool", "false">:$asymmetric);
  let assemblyFormat = "`<` $storage `,` struct($group, $scale, $asymmetric) `>`";
  let genVerifyDecl = 1;
}

#endif // YOKE_LLM_TYPES_TD
