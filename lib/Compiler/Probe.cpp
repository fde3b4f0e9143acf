//===- Probe.cpp - a step that returns what a norm sees -------------------===//
#include "Compiler/Probe.h"

#include "LLM/LLM.h"
#include "Support/Text.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace yoke;

namespace {
struct Cut {
  llm::RmsNormOp norm;
  Value cache; ///< as it stands before the norm, null without one
};
} // namespace

static StringRef scaleName(llm::RmsNormOp norm) {
  auto load = norm.getScale().getDefiningOp<ml_program::GlobalLoadConstOp>();
  return load ? load.getGlobalAttr().getLeafReference().getValue() : StringRef();
}

static Cut findCut(func::FuncOp step, StringRef scale) {
  Cut cut;
  for (BlockArgument argument : step.getArguments())
    if (isa<llm::KVCacheType>(argument.getType()))
      cut.cache = argument;
  for (Operation &op : step.getBody().front()) {
    if (auto attention = dyn_cast<llm::AttentionOp>(op); attention && attention.getNewCache())
      cut.cache = attention.getNewCache();
    if (auto norm = dyn_cast<llm::RmsNormOp>(op); norm && scaleName(norm) == scale) {
      cut.norm = norm;
      break;
    }
  }
  return cut;
}

static void eraseUnused(ModuleOp module, func::FuncOp step) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(step.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  for (auto global : llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
    if (SymbolTable::symbolKnownUseEmpty(global, module))
      global.erase();
}

Status yoke::probeNorm(ModuleOp module, StringRef scale) {
  auto step = module.lookupSymbol<func::FuncOp>("step");
  Cut cut = step ? findCut(step, scale) : Cut();
  if (!cut.norm)
    return malformed("the model has no RMS norm with the weight {}", quote(scale.str()));
  OpBuilder ops(cut.norm);
  ops.setInsertionPointAfter(cut.norm);
  SmallVector<Value> results = {
      llm::ConcatHeadsOp::create(ops, cut.norm.getLoc(), cut.norm.getX(), cut.norm.getResult(), 1)};
  if (cut.cache)
    results.push_back(cut.cache);
  Operation *end = step.getBody().front().getTerminator();
  end->setOperands(results);
  step.setType(FunctionType::get(step.getContext(), step.getArgumentTypes(), TypeRange(ValueRange(results))));
  eraseUnused(module, step);
  return {};
}
