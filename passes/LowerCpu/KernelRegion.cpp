//===- KernelRegion.cpp - regions that a kernel can compute ---------------===//
#include "LowerCpu/KernelRegion.h"

#include "Decode/Decode.h"
#include "Fuse/KernelGroup.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace yoke;

static int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

namespace {
class RegionCheck {
public:
  explicit RegionCheck(Block &body) : body(body) {}

  bool run() {
    for (Operation &op : body.without_terminator())
      if (int rank = rankOf(op); rank > 0 && (!anchor || rank > rankOf(*anchor)))
        anchor = &op;
    if (anchor && !takeAround())
      return false;
    if (isa_and_present<llm::LmHeadOp>(anchor))
      for (auto op : body.getOps<decode::TopKOp>())
        best = op;
    for (Operation &op : body.without_terminator())
      if (&op == best)
        continue;
      else if (known.contains(&op) ? !knownReads(op)
                                   : !isElementwise(&op) || takesNothingAfter() || !elementwiseReads(op))
        return false;
    return yields();
  }

private:
  /// The op of the highest rank makes the kind of the kernel; 0 for ops that make none.
  static int rankOf(Operation &op) {
    if (isa<llm::LinearOp, llm::LmHeadOp, llm::AttentionOp>(op))
      return 3;
    if (isa<llm::RmsNormOp, llm::LayerNormOp>(op))
      return 2;
    return isa<llm::EmbeddingOp, llm::RopeTableOp, llm::RopeOp, llm::PoolOp, llm::HeadLinearOp, llm::ConcatHeadsOp>(op)
               ? 1
               : 0;
  }

  bool takesNothingAfter() const { return anchor && (rankOf(*anchor) == 1 || isa<llm::AttentionOp>(anchor)); }

  /// The operand of `value`'s op when that is `wanted` and nobody else reads it, else `value`.
  Value takeBefore(Value value, function_ref<bool(Operation *)> wanted) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse() || !wanted(op))
      return value;
    known.insert(op);
    return op->getOperand(0);
  }

  bool takeAround() {
    known.insert(anchor);
    if (auto attention = dyn_cast<llm::AttentionOp>(anchor)) {
      int64_t size = attention.getHeadDim();
      for (Value value : {attention.getQ(), attention.getK()}) {
        value = takeBefore(value, [&](Operation *op) {
          auto rope = dyn_cast<llm::RopeOp>(op);
          return rope && static_cast<int64_t>(rope.getHeadDim()) == size;
        });
        takeBefore(value, [&](Operation *op) {
          auto norm = dyn_cast<llm::RmsNormOp>(op);
          return norm && norm.getScale().getType().getDimSize(0) == size;
        });
      }
      return true;
    }
    if (!isa<llm::LinearOp, llm::LmHeadOp>(anchor))
      return true;
    takeBefore(anchor->getOperand(0), [](Operation *op) {
      auto norm = dyn_cast<llm::RmsNormOp>(op);
      return isa<llm::LayerNormOp>(op) || (norm && norm.getScale().getType().getDimSize(0) == columnsOf(norm.getX()));
    });
    return takeGate();
  }

  /// Slices of a projection are its two halves, each read by the gate alone.
  bool takeGate() {
    int64_t columns = columnsOf(anchor->getResult(0));
    for (Operation &op : body.without_terminator()) {
      if (isa<tensor::DimOp, arith::ConstantIndexOp>(op))
        known.insert(&op);
      auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      if (!slice)
        continue;
      auto offsets = slice.getStaticOffsets(), sizes = slice.getStaticSizes();
      if (slice.getSource() != anchor->getResult(0) || !slice->hasOneUse() || offsets[0] != 0 || columns % 2 != 0 ||
          sizes[1] != columns / 2)
        return false;
      auto gated = dyn_cast<llm::GatedOp>(*slice->user_begin());
      if (!gated || offsets[1] != (gated.getGate() == slice.getResult() ? 0 : columns / 2))
        return false;
      known.insert(&op);
      halves.push_back(slice.getResult());
    }
    return halves.empty() || halves.size() == 2;
  }

  /// A kernel reads from memory, or from what it computed on the way.
  bool knownReads(Operation &op) {
    return llvm::all_of(op.getOperands(), [&](Value value) {
      return isa<BlockArgument>(value) || (known.contains(value.getDefiningOp()) && value.getDefiningOp() != &op);
    });
  }

  bool isResult(Value value) {
    if (!halves.empty())
      return llvm::is_contained(halves, value);
    return anchor && value.getDefiningOp() == anchor;
  }

  bool elementwiseReads(Operation &op) {
    return llvm::all_of(op.getOperands(), [&](Value value) {
      Operation *source = value.getDefiningOp();
      return !source || isResult(value) || (!known.contains(source) && isElementwise(source));
    });
  }

  bool yields() {
    auto yield = cast<llm::YieldOp>(body.getTerminator());
    if (isa_and_present<llm::AttentionOp>(anchor))
      return yield.getValues() == ValueRange(anchor->getResults());
    if (best)
      return yield.getValues() == ValueRange(best->getResults()) && elementwiseReads(*best);
    if (yield.getValues().size() != 1)
      return false;
    Value value = yield.getValues().front();
    Operation *source = value.getDefiningOp();
    return source && (!known.contains(source) || (source == anchor && halves.empty()));
  }

  Block &body;
  Operation *anchor = nullptr;
  Operation *best = nullptr;                  ///< the decode.top_k that ends a head's kernel
  llvm::SmallSetVector<Operation *, 8> known; ///< the anchor and what its emitter computes before it
  SmallVector<Value> halves;
};
} // namespace

bool yoke::isKernelRegion(llm::FusedOp fused) {
  Block &body = fused.getBody().front();
  auto isOurs = [](Operation &op) {
    return llvm::is_contained({"llm", "decode", "arith", "tensor"}, op.getName().getDialectNamespace());
  };
  return !llvm::all_of(body, isOurs) || RegionCheck(body).run();
}
