//===- FormKernels.cpp - groups ops into llm.fused regions ----------------===//
#include "Fuse/Fuse.h"
#include "Fuse/KernelGroup.h"
#include "LLM/LLM.h"
#include "MoE/MoE.h"

#include "mlir/IR/Remarks.h"

namespace yoke {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "Fuse/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
/// Ops that take others in come first; the last rank takes whatever is left.
int anchorRank(Operation *op) {
  if (isa<llm::LinearOp, llm::LmHeadOp, llm::AttentionOp, moe::ExpertsOp>(op))
    return 0;
  if (isa<llm::RmsNormOp, llm::LayerNormOp>(op))
    return 1;
  if (isElementwise(op))
    return 2;
  return isa<llm::EmbeddingOp, llm::RopeTableOp, llm::RopeOp, llm::PoolOp, llm::HeadLinearOp, llm::ConcatHeadsOp>(op)
             ? 3
             : 4;
}

struct FormKernelsPass : yoke::impl::FormKernelsPassBase<FormKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<Block *> blocks = llvm::map_to_vector(getOperation().getBody(), [](Block &block) { return &block; });
    getOperation().walk([&](Operation *op) {
      if (isa<llm::FfnSkipOp, llm::ByModalityOp>(op))
        for (Region &region : op->getRegions())
          blocks.push_back(&region.front());
    });
    for (Block *block : blocks)
      for (int rank = 0; rank < 4; ++rank)
        formRank(*block, rank);
  }

  void formRank(Block &block, int rank) {
    SmallVector<Operation *> anchors;
    for (Operation &op : block)
      if (anchorRank(&op) == rank)
        anchors.push_back(&op);
    llvm::SmallPtrSet<Operation *, 16> taken;
    for (Operation *anchor : anchors) {
      if (taken.contains(anchor))
        continue;
      KernelGroup group(anchor);
      taken.insert(group.getOps().begin(), group.getOps().end());
      if (group.getOps().size() > 1)
        remark::passed(anchor->getLoc(), remark::RemarkOpts::name("Fused").category("yoke-fuse"))
            << "one kernel of " << std::to_string(group.getOps().size()) << " ops around "
            << anchor->getName().getStringRef();
      group.outline();
    }
  }
};
} // namespace
