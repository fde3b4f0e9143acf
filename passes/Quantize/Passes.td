#ifndef YOKE_PASSES_QUANTIZE_PASSES_TD
#define YOKE_PASSES_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def QuantizeWeightsPass : Pass<"yoke-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Give matrices that are multiplied by a quantised element type";
  let description = [{
    Every `#llm.weight` global of floats that is the weight of an `llm.linear` or `llm.lm_head`, or a stack of `moe.experts`, becomes a
    `!llm.quant` of groups of 32 inputs with bfloat16 scales:

    - `q8`: 8 bits, symmetric, scaled by the largest of a group;
    - `q4`: 4 bits, symmetric, the scale of each group searched for the least weighted squared error;
    - `q4-plain`: 4 bits, symmetric, scaled by the largest of a group;
    - `q4-asymmetric`: 4 bits with a zero point for each group, searched likewise.

    Tables that are looked up keep their type: a head that shares its matrix with the embedding gets a quantised copy of its own. So do the matrices of
    routers (`moe.route`), which are small and decide much.
  }];
  let options = [Option<"weights", "weights", "std::string", "\"\"", "q8, q4, q4-plain or q4-asymmetric; empty: as they are">];
  let dependentDialects = ["::mlir::ml_program::MLProgramDialect"];
}

def RoundActivationsPass : Pass<"yoke-round-activations", "::mlir::ModuleOp"> {
  let summary = "Choose what activations are rounded to before they are multiplied";
  let description = [{
    Sets `x_type` of every `llm.linear` and `llm.lm_head` that has none: for quantised weights i8, or i16 if that is asked for; for bf16 weights bf16
    if that is asked for. Equal for steps of any number of rows, so that a row's result does not depend on the rows beside it.
  }];
  let options = [Option<"activations", "activations", "std::string", "\"\"", "i8, i16 or bf16; empty: i8 where weights are quantised">];
}

#endif // YOKE_PASSES_QUANTIZE_PASSES_TD
