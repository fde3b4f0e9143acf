//===- PackWeights.cpp - decides how each weight lies in the package ------===//
#include "LowerCpu/ExpertBody.h"
#include "LowerCpu/KernelShape.h"
#include "LowerCpu/LowerCpu.h"
#include "LowerCpu/WeightLayout.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace yoke {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "LowerCpu/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
/// What a weight is read for.
struct Use {
  bool multiplied = false;
  bool gated = false;      ///< multiplied in a kernel that joins the two halves of the result
  bool otherwise = false;  ///< read in another way too
  bool floatsOnly = false; ///< read by what takes no quantised weight
  int64_t chosen = 0;      ///< of a stack, how many matrices a token is multiplied with
  bool isOthers = true;    ///< read for tokens of other modalities than 0 only
};

/// True when the projection's two halves are multiplied inside its kernel.
bool isGatedInKernel(Operation *projection) {
  return llvm::any_of(projection->getResult(0).getUsers(), [](Operation *user) {
    return isa<tensor::ExtractSliceOp>(user) && llvm::any_of(user->getUsers(), llvm::IsaPred<llm::GatedOp>);
  });
}

void addUses(Value weight, Use &use) {
  for (OpOperand &operand : weight.getUses()) {
    Operation *user = operand.getOwner();
    if (auto fused = dyn_cast<llm::FusedOp>(user)) {
      addUses(fused.getBody().getArgument(operand.getOperandNumber()), use);
    } else if (auto experts = dyn_cast<moe::ExpertsOp>(user)) {
      std::optional<ExpertBody> body = ExpertBody::match(experts);
      bool gated = body && body->hasHalves() && weight == experts.getMatrices().front();
      use.multiplied = true;
      (gated ? use.gated : use.otherwise) = true;
      use.chosen = experts.getTopK();
    } else if (isa<llm::LinearOp, llm::LmHeadOp, llm::HeadLinearOp>(user) && operand.getOperandNumber() == 1) {
      bool gated = isa<llm::FusedOp>(user->getParentOp()) && isGatedInKernel(user);
      use.multiplied = true;
      use.floatsOnly |= isa<llm::HeadLinearOp>(user);
      (gated ? use.gated : use.otherwise) = true;
    } else {
      use.otherwise = use.floatsOnly = true;
    }
  }
}

struct PackWeightsPass : yoke::impl::PackWeightsPassBase<PackWeightsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!KernelShape::forLevel(level)) {
      getOperation().emitError() << "expected level x86-64-v3 or x86-64-v4, found " << level;
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    llvm::MapVector<Operation *, Use> uses;
    for (auto global : getOperation().getOps<ml_program::GlobalOp>())
      if (!global.getIsMutable())
        uses[global];
    llvm::DenseSet<Operation *> read;
    getOperation()->walk([&](ml_program::GlobalLoadConstOp load) {
      Operation *global = symbols.lookup(load.getGlobalAttr().getLeafReference());
      read.insert(global);
      Use &use = uses[global];
      addUses(load.getResult(), use);
      use.isOthers &= isOfOtherModality(load);
    });

    int64_t offset = 0, tokenBytes = 0;
    for (auto &[op, use] : uses) {
      auto global = cast<ml_program::GlobalOp>(op);
      if (!read.contains(op)) {
        global.erase();
        continue;
      }
      auto type = dyn_cast<RankedTensorType>(global.getType());
      if (!type || type.getRank() > 3 || !hasLayout(type, use)) {
        global.emitError() << "the CPU has no layout for a weight of type " << global.getType();
        return signalPassFailure();
      }
      if (use.gated && use.otherwise) {
        global.emitError("the CPU has no layout for a weight that is both a gate's and read otherwise");
        return signalPassFailure();
      }
      auto layout = chooseLayout(type, use, offset);
      global->setAttr(layoutAttrName, layout);
      offset = llvm::alignTo(offset + packedBytes(type, layout), weightAlignment);
      tokenBytes += bytesOfAToken(type, layout, use);
    }
    getOperation()->setAttr("llm.token_bytes", Builder(&getContext()).getI64IntegerAttr(tokenBytes));
    getOperation()->setAttr("llm.weight_bytes", Builder(&getContext()).getI64IntegerAttr(offset));
  }

  static bool isOfOtherModality(Operation *op) {
    auto byModality = op->getParentOfType<llm::ByModalityOp>();
    return byModality && !byModality.getBodies().front().isAncestor(op->getParentRegion());
  }

  /// Bytes that a step of one token of modality 0 reads: a row of a table, the chosen matrices of a stack, else all.
  static int64_t bytesOfAToken(RankedTensorType type, llm::LayoutAttr layout, const Use &use) {
    int64_t bytes = packedBytes(type, layout), count = type.getDimSize(0);
    if (use.isOthers)
      return 0;
    if (type.getRank() == 1 || count == 0)
      return bytes;
    if (!use.multiplied)
      return bytes / count;
    return use.chosen > 0 ? bytes / count * std::min(use.chosen, count) : bytes;
  }

  static bool hasLayout(RankedTensorType type, const Use &use) {
    auto quant = dyn_cast<llm::QuantType>(type.getElementType());
    if (!quant)
      return isa<FloatType>(type.getElementType());
    return type.getRank() >= 2 && use.multiplied && !use.floatsOnly && hasPanelLayout(quant, type.getShape().back());
  }

  llm::LayoutAttr chooseLayout(RankedTensorType type, const Use &use, int64_t offset) {
    int64_t panel = 0, group = 1, interleave = 0;
    if (type.getRank() >= 2 && use.multiplied) {
      panel = KernelShape::panel;
      group = isa<llm::QuantType>(type.getElementType()) ? QuantBlock::inputs : type.getElementType().isBF16() ? 2 : 1;
      interleave = use.gated ? KernelShape::panel / 2 : 0;
    }
    return llm::LayoutAttr::get(&getContext(), offset, panel, group, interleave);
  }
};
} // namespace
