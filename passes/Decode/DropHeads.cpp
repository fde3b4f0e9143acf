//===- DropHeads.cpp - no heads beyond the tree ---------------------------===//
#include "Decode/DecodePasses.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace yoke {
#define GEN_PASS_DEF_DROPHEADSPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

/// Erases what nobody reads, from the end of the block to its beginning.
static void eraseDead(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

namespace {
struct DropHeadsPass : yoke::impl::DropHeadsPassBase<DropHeadsPass> {
  using Base::Base;

  void runOnOperation() override {
    getOperation().walk([&](decode::TreeOp tree) {
      auto depth = static_cast<unsigned>(tree.getTopology().getDepth());
      if (depth < tree.getCandidates().size())
        tree.getCandidatesMutable().erase(depth, tree.getCandidates().size() - depth);
    });
    SmallVector<decode::HeadsOp> all;
    getOperation().walk([&](decode::HeadsOp heads) { all.push_back(heads); });
    SymbolTable symbols(getOperation());
    for (decode::HeadsOp heads : all)
      drop(heads, symbols);
  }

private:
  void drop(decode::HeadsOp heads, SymbolTable &symbols) {
    auto function = symbols.lookup<func::FuncOp>(heads.getCallee());
    SmallVector<unsigned> kept;
    for (OpResult result : heads->getResults())
      if (!result.use_empty())
        kept.push_back(result.getResultNumber());
    if (kept.empty() || kept.size() == heads.getNumResults() || function.isExternal() ||
        !function.getBody().hasOneBlock())
      return;
    std::string name = heads.getCallee().str();
    for (unsigned head : kept)
      name += "_" + std::to_string(head);
    auto variant = symbols.lookup<func::FuncOp>(name);
    if (!variant)
      symbols.insert(variant = keeping(function, name, kept));

    OpBuilder builder(heads);
    auto fewer = decode::HeadsOp::create(builder, heads.getLoc(), variant.getResultTypes(), heads.getKind(), name,
                                         heads.getInputs());
    for (auto [head, result] : llvm::zip_equal(kept, fewer.getResults()))
      heads.getResult(head).replaceAllUsesWith(result);
    remark::passed(heads.getLoc(), remark::RemarkOpts::name("DroppedHeads").category("yoke-decode"))
        << std::to_string(heads.getNumResults() - kept.size()) << " heads of " << heads.getCallee().str()
        << " are not read";
    heads.erase();
  }

  static func::FuncOp keeping(func::FuncOp function, StringRef name, ArrayRef<unsigned> kept) {
    auto variant = function.clone();
    variant.setName(name);
    variant.setPrivate();
    Block &block = variant.getBody().front();
    SmallVector<Value> results =
        llvm::map_to_vector(kept, [&](unsigned head) { return block.getTerminator()->getOperand(head); });
    block.getTerminator()->setOperands(results);
    variant.setFunctionType(
        FunctionType::get(function.getContext(), function.getArgumentTypes(), ValueRange(results).getTypes()));
    eraseDead(block);
    return variant;
  }
};
} // namespace
