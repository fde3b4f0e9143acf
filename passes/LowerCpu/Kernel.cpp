//===- Kernel.cpp - which emitter a fused region goes to ------------------===//
#include "LowerCpu/Kernel.h"

#include "Decode/Decode.h"
#include "Fuse/KernelGroup.h"
#include "LowerCpu/BestColumns.h"
#include "LowerCpu/KernelRegion.h"
#include "LowerCpu/QuantizedRows.h"

using namespace mlir;
using namespace yoke;

static int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

Kernel::Kernel(llm::FusedOp fused, int64_t interleave, const KernelOperands &operands)
    : KernelOperands(operands), fused(fused), interleave(interleave) {
  auto next = tensors.begin();
  for (BlockArgument argument : fused.getBody().getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      memory[argument] = *next++;
}

int64_t yoke::layerPageBytes(llm::KVCacheType cache) {
  int64_t elementBytes = cache.getElement().getWidth() / 8;
  return 2 * cache.getHeads() * cache.getHeadDim() * KernelShape::pageTokens * elementBytes;
}

KernelNeeds yoke::needsOf(llm::FusedOp fused, const KernelShape &shape, int64_t maxTokens) {
  for (Operation &op : fused.getBody().front()) {
    if (auto attention = dyn_cast<llm::AttentionOp>(op))
      return attentionNeeds(attention, shape, maxTokens);
    if (auto experts = dyn_cast<moe::ExpertsOp>(op))
      return expertsNeeds(experts, maxTokens);
    if (isa<llm::LinearOp, llm::LmHeadOp>(op)) {
      int64_t inputs = columnsOf(op.getOperand(0));
      bool isRounded = op.hasAttr("x_type"), hasNorm = !isa<BlockArgument>(op.getOperand(0));
      int64_t rowBytes = 0;
      if (hasNorm || (isa<llm::LmHeadOp>(op) && !isRounded))
        rowBytes += inputs * static_cast<int64_t>(sizeof(float));
      if (isRounded)
        rowBytes += RowRounder::bytesPerRow(inputs);
      for (auto best : fused.getBody().getOps<decode::TopKOp>())
        rowBytes += BestColumns::bytesPerRow(best.getK());
      return {.workspaceBytes = maxTokens * rowBytes};
    }
  }
  return {};
}

/// Products with quantised weights are made of rounded activations only.
static LogicalResult checkRounding(llm::FusedOp fused) {
  auto result = fused->walk([](Operation *op) {
    if (!isa<llm::LinearOp, llm::LmHeadOp>(op) || op->hasAttr("x_type") ||
        !isa<llm::QuantType>(getElementTypeOrSelf(op->getOperand(1).getType())))
      return WalkResult::advance();
    op->emitError("the CPU multiplies a quantised weight with rounded activations only; yoke-round-activations says "
                  "what to round them to");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult yoke::emitKernel(KernelBuilder &builder, Kernel &kernel) {
  if (failed(checkRounding(kernel.fused)))
    return failure();
  if (kernel.find<moe::ExpertsOp>())
    return emitExperts(builder, kernel);
  using Emitter = void (*)(KernelBuilder &, Kernel &);
  Emitter emitter = nullptr;
  for (Operation &op : kernel.fused.getBody().front()) {
    // Attention and projections are the kernel's kind whatever stands around them; norms come before mere element-wise
    // ops.
    if (isa<llm::AttentionOp>(op))
      emitter = emitAttention;
    else if (isa<llm::LinearOp, llm::LmHeadOp>(op))
      emitter = emitProjection;
    else if (emitter == emitAttention || emitter == emitProjection)
      continue;
    else if (isa<llm::RmsNormOp, llm::LayerNormOp>(op))
      emitter = emitNorm;
    else if (isa<llm::EmbeddingOp>(op))
      emitter = emitEmbedding;
    else if (isa<llm::RopeTableOp>(op))
      emitter = emitRopeTable;
    else if (isa<llm::RopeOp>(op))
      emitter = emitRope;
    else if (isa<llm::PoolOp>(op))
      emitter = emitPool;
    else if (isa<llm::HeadLinearOp>(op))
      emitter = emitHeadLinear;
    else if (isa<llm::ConcatHeadsOp>(op))
      emitter = emitConcatHeads;
    else if (isElementwise(&op) && !emitter)
      emitter = emitElementwise;
  }
  if (!emitter || !isKernelRegion(kernel.fused))
    return kernel.fused.emitError() << "the CPU has no kernel for the region " << kernel.fused.getKernel();
  emitter(builder, kernel);
  return success();
}
