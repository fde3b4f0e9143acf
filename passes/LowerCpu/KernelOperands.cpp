//===- KernelOperands.cpp - what a kernel is called with ------------------===//
#include "LowerCpu/KernelOperands.h"

using namespace mlir;
using namespace yoke;

/// Calls `visit` with each member that is not null.
template <typename Operands, typename Visit> static void forEach(Operands &operands, Visit visit) {
  for (auto &tensor : operands.tensors)
    visit(tensor);
  auto &batch = operands.batch;
  auto &team = operands.team;
  for (auto *value :
       {&operands.result, &batch.positions, &batch.slots, &batch.limits, &batch.sequences, &batch.parents,
        &batch.outputs, &batch.blocks, &batch.blockStride, &operands.kv, &operands.pageOffset, &operands.workspace,
        &operands.scratch, &operands.load, &team.thread, &team.threads, &team.barrierContext, &team.barrier})
    if (*value)
      visit(*value);
}

SmallVector<Value> KernelOperands::flatten() const {
  SmallVector<Value> values;
  forEach(*this, [&](Value value) { values.push_back(value); });
  return values;
}

KernelOperands KernelOperands::inside(Block &entry) const {
  KernelOperands copy = *this;
  unsigned next = 0;
  forEach(copy, [&](Value &value) { value = entry.getArgument(next++); });
  return copy;
}
