#ifndef YOKE_MOE_BASE_TD
#define YOKE_MOE_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::yoke::moe";
  let summary = "Layers of which each token uses a few experts";
  let description = [{
    A router gives each token the experts it goes to and their weights (`moe.route`); the experts are one region over the
    matrices of one expert, run for each token and expert that belong together (`moe.experts`). Matrices of all experts lie in one
    tensor, [experts, outputs, inputs]; tokens are not moved in the program, so that the lowering is free to group them by expert,
    and what no token reaches is never read.

    Activations are those of the `llm` dialect, and regions are made of its ops.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::yoke::llm::LLMDialect"];
}

#endif // YOKE_MOE_BASE_TD
