//===- KernelGroup.cpp - ops that become one kernel -----------------------===//
#include "Fuse/KernelGroup.h"

#include "Decode/Decode.h"
#include "Fuse/Fuse.h"
#include "LLM/LLM.h"
#include "MoE/MoE.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace yoke;

bool yoke::isElementwise(Operation *op) {
  return isa<llm::ActivationOp, llm::GatedOp, llm::ScaleOp, llm::SoftcapOp, llm::BiasOp, moe::ScaleRowsOp>(op) ||
         (isa<arith::AddFOp, arith::MulFOp, arith::SubFOp>(op) && isa<RankedTensorType>(op->getResult(0).getType()));
}

KernelGroup::KernelGroup(Operation *anchor) : last(anchor) {
  ops.insert(anchor);
  auto isNorm = [](Operation *op) {
    auto rms = dyn_cast<llm::RmsNormOp>(op);
    // A norm by heads belongs to attention.
    return isa<llm::LayerNormOp>(op) ||
           (rms && rms.getScale().getType().getDimSize(0) == rms.getX().getType().getDimSize(1));
  };
  if (isa<llm::LinearOp, llm::LmHeadOp>(anchor)) {
    takePrologue(anchor->getOperand(0), isNorm);
    takeGate(anchor);
    takeEpilogue();
    takeBest();
  } else if (auto attention = dyn_cast<llm::AttentionOp>(anchor)) {
    takeHeadPrologue(attention.getQ(), attention.getHeadDim());
    takeHeadPrologue(attention.getK(), attention.getHeadDim());
  } else if (auto experts = dyn_cast<moe::ExpertsOp>(anchor)) {
    takeRoute(experts);
    takeEpilogue();
  } else if (isElementwise(anchor) || isNorm(anchor)) {
    takeEpilogue();
  }
}

void KernelGroup::takePrologue(Value value, function_ref<bool(Operation *)> wanted) {
  Operation *op = value.getDefiningOp();
  if (op && op->getBlock() == last->getBlock() && value.hasOneUse() && wanted(op))
    ops.insert(op);
}

/// Rotary embedding and, before it, norm, both head by head.
void KernelGroup::takeHeadPrologue(Value value, int64_t headDim) {
  auto isHeadRope = [&](Operation *op) {
    auto rope = dyn_cast<llm::RopeOp>(op);
    return rope && static_cast<int64_t>(rope.getHeadDim()) == headDim;
  };
  auto isHeadNorm = [&](Operation *op) {
    auto norm = dyn_cast<llm::RmsNormOp>(op);
    return norm && norm.getScale().getType().getDimSize(0) == headDim;
  };
  takePrologue(value, isHeadRope);
  if (Operation *op = value.getDefiningOp(); op && ops.contains(op))
    value = op->getOperand(0);
  takePrologue(value, isHeadNorm);
}

/// The two halves of a gate/up projection and their product.
void KernelGroup::takeGate(Operation *projection) {
  Value result = projection->getResult(0);
  int64_t columns = cast<RankedTensorType>(result.getType()).getDimSize(1), half = columns / 2;
  SmallVector<tensor::ExtractSliceOp> slices;
  for (Operation *user : result.getUsers()) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user); slice && slice->hasOneUse())
      slices.push_back(slice);
    else if (!isa<tensor::DimOp>(user))
      return;
  }
  if (slices.size() != 2 || columns % 2 != 0)
    return;
  if (slices[0].getStaticOffsets()[1] != 0)
    std::swap(slices[0], slices[1]);
  auto gated = dyn_cast<llm::GatedOp>(*slices[0]->user_begin());
  if (!gated || gated.getGate() != slices[0].getResult() || gated.getUp() != slices[1].getResult() ||
      slices[0].getStaticOffsets()[1] != 0 || slices[0].getStaticSizes()[1] != half ||
      slices[1].getStaticOffsets()[1] != half || slices[1].getStaticSizes()[1] != half)
    return;
  for (Operation *user : llvm::make_early_inc_range(result.getUsers()))
    if (isa<tensor::DimOp>(user))
      ops.insert(user);
  // Whatever counts the rows of the projection must count them for these slices alone.
  for (Operation *op : ops.getArrayRef())
    if (auto dim = dyn_cast<tensor::DimOp>(op))
      for (Operation *user : dim->getUsers())
        if (user != slices[0].getOperation() && user != slices[1].getOperation()) {
          ops.remove_if([](Operation *op) { return isa<tensor::DimOp>(op); });
          return;
        }
  ops.insert(slices[0]);
  ops.insert(slices[1]);
  ops.insert(gated);
  last = gated;
}

/// The router, or a copy of it when others read what it chose.
void KernelGroup::takeRoute(Operation *experts) {
  Value weights = experts->getOperand(1), choices = experts->getOperand(2);
  auto route = weights.getDefiningOp<moe::RouteOp>();
  if (!route || choices != route.getExperts())
    return;
  if (!weights.hasOneUse() || !choices.hasOneUse()) {
    OpBuilder builder(experts);
    route = cast<moe::RouteOp>(builder.clone(*route));
    experts->setOperand(1, route.getWeights());
    experts->setOperand(2, route.getExperts());
  }
  ops.insert(route);
}

void KernelGroup::takeEpilogue() {
  while (last->getNumResults() == 1 && last->hasOneUse()) {
    Operation *user = *last->user_begin();
    if (user->getBlock() != last->getBlock() || !isElementwise(user) ||
        user->getResult(0).getType() != last->getResult(0).getType())
      return;
    ops.insert(user);
    last = user;
  }
}

/// The best columns of a language-model head, when nobody reads the others.
void KernelGroup::takeBest() {
  if (!isa<llm::LmHeadOp>(ops.front()) || !last->hasOneUse())
    return;
  auto best = dyn_cast<decode::TopKOp>(*last->user_begin());
  if (!best || best->getBlock() != last->getBlock())
    return;
  ops.insert(best);
  last = best;
}

void KernelGroup::outline() {
  SmallVector<Operation *> sorted(ops.getArrayRef());
  llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });

  llvm::SetVector<Value> inputs;
  std::string kernel;
  for (Operation *op : sorted) {
    for (Value operand : op->getOperands())
      if (!ops.contains(operand.getDefiningOp()))
        inputs.insert(operand);
    if (!isa<tensor::DimOp, tensor::ExtractSliceOp>(op))
      kernel += (kernel.empty() ? "" : ".") + op->getName().stripDialect().str();
  }

  OpBuilder builder(last);
  SmallVector<Location> locs = llvm::map_to_vector(sorted, [](Operation *op) { return op->getLoc(); });
  auto fused =
      llm::FusedOp::create(builder, builder.getFusedLoc(locs), last->getResultTypes(), kernel, inputs.getArrayRef());
  Block *body = &fused.getBody().emplaceBlock();
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  builder.setInsertionPointToStart(body);
  for (Operation *op : sorted)
    builder.clone(*op, mapping);
  llm::YieldOp::create(builder, last->getLoc(),
                       llvm::map_to_vector(last->getResults(), [&](Value v) { return mapping.lookup(v); }));
  last->replaceAllUsesWith(fused);
  for (Operation *op : llvm::reverse(sorted))
    op->erase();
}
