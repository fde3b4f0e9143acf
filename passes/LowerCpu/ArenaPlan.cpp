//===- ArenaPlan.cpp - where a step's values lie --------------------------===//
#include "LowerCpu/ArenaPlan.h"

#include "LowerCpu/BufferPlan.h"
#include "LowerCpu/Kernel.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

ArenaPlan ArenaPlan::of(const StepAnalysis &analysis, const KernelShape &shape, int64_t maxTokens) {
  ArenaPlan plan;
  SmallVector<PlannedBuffer> buffers;
  llvm::MapVector<Value, size_t> roots;
  SmallVector<std::pair<Operation *, size_t>> workspaces;
  for (auto [index, op] : llvm::enumerate(analysis.fusedOps)) {
    llm::FusedOp fused = op;
    int64_t now = static_cast<int64_t>(index);
    for (Value input : fused.getInputs())
      if (auto root = roots.find(analysis.activations.lookup(input).root); root != roots.end())
        buffers[root->second].last = now;
    KernelNeeds needs = needsOf(fused, shape, maxTokens);
    plan.scratchBytes = std::max<int64_t>(plan.scratchBytes, llvm::alignTo(needs.scratchBytes, 64));
    if (needs.workspaceBytes > 0) {
      workspaces.emplace_back(fused, buffers.size());
      buffers.push_back({.bytes = needs.workspaceBytes, .first = now, .last = now});
    }
    for (Value output : fused.getOutputs()) {
      if (!isActivation(output) || output == analysis.returned)
        continue;
      roots[output] = buffers.size();
      buffers.push_back({.bytes = maxTokens * activationColumns(output) * static_cast<int64_t>(sizeof(float)),
                         .first = now,
                         .last = now});
    }
  }
  plan.bytes = planBuffers(buffers);
  for (auto [root, buffer] : roots)
    plan.buffers[root] = buffers[buffer].offset;
  for (auto [op, buffer] : workspaces)
    plan.workspaces[op] = buffers[buffer].offset;
  return plan;
}
