#ifndef YOKE_LLM_BASE_TD
#define YOKE_LLM_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def LLM_Dialect : Dialect {
  let name = "llm";
  let cppNamespace = "::yoke::llm";
  let summary = "Inference of transformer language models";
  let description = [{
    What a model computes, with value semantics. All tokens of one step lie in one ragged dimension `T` (the leading `?` of
    every activation): prefill, decode, a batch of requests and a draft tree to verify are the same function. A `!llm.batch` value says, for
    each token, which sequence it belongs to, where it stands in it, and what it may see.

    Activations are `tensor<?xDxf32>`; weights keep the element type of the checkpoint. Weights are `ml_program.global` with a
    `#llm.weight` value, which names byte ranges of the checkpoint and never holds data.

    Element-wise sums and products of equal shapes are `arith.addf` and `arith.mulf`; column ranges are `tensor.extract_slice`.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::ml_program::MLProgramDialect"];
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
    void registerBytecode();
  }];
}

#endif // YOKE_LLM_BASE_TD
