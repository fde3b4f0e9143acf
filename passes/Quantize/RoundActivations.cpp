//===- RoundActivations.cpp - what activations are multiplied as ----------===//
#include "Quantize/Quantize.h"

#include "LLM/LLM.h"
#include "MoE/MoE.h"

namespace yoke {
#define GEN_PASS_DEF_ROUNDACTIVATIONSPASS
#include "Quantize/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

static constexpr llvm::StringLiteral types[] = {"i8", "i16", "bf16"};

ArrayRef<llvm::StringLiteral> yoke::activationTypes() { return types; }

namespace {
struct RoundActivationsPass : yoke::impl::RoundActivationsPassBase<RoundActivationsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!activations.empty() && !llvm::is_contained(types, activations)) {
      getOperation().emitError() << "expected activations of i8, i16 or bf16, found " << activations;
      return signalPassFailure();
    }
    getOperation()->walk([&](Operation *op) {
      if (auto linear = dyn_cast<llm::LinearOp>(op))
        round(linear);
      else if (auto head = dyn_cast<llm::LmHeadOp>(op))
        round(head);
    });
  }

  template <typename ProjectionOp> void round(ProjectionOp op) {
    if (op.getXType())
      return;
    Builder builder(&getContext());
    Type element = op.getWeight().getType().getElementType();
    if (isa<llm::QuantType>(element))
      op.setXType(builder.getIntegerType(activations == "i16" ? 16 : 8));
    else if (element.isBF16() && activations == "bf16")
      op.setXType(Type(builder.getBF16Type()));
  }
};
} // namespace
