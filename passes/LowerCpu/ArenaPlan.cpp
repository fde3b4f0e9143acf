//===- ArenaPlan.cpp - where a step's values lie --------------------------===//
#include "LowerCpu/ArenaPlan.h"

#include "LowerCpu/BufferPlan.h"
#include "LowerCpu/Kernel.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

int64_t yoke::maxRowsOf(llm::FusedOp fused, const StepAnalysis &analysis, int64_t maxTokens) {
  int64_t rows = maxTokens;
  for (Value value : fused->getOperands())
    if (isActivation(value))
      rows = std::max(rows, maxTokens * analysis.activations.lookup(value).rowsPerUnit);
  return rows;
}

namespace {
/// Goes over a step in the order of execution and notes from when to when each value is needed.
class ArenaPlanner {
public:
  ArenaPlanner(const StepAnalysis &analysis, const KernelShape &shape, int64_t maxTokens)
      : analysis(analysis), shape(shape), maxTokens(maxTokens) {}

  void visit(Block &block) {
    for (Operation &op : block) {
      if (auto fused = dyn_cast<llm::FusedOp>(op))
        visit(fused);
      else if (auto skip = dyn_cast<llm::FfnSkipOp>(op))
        visit(skip);
      else if (auto byModality = dyn_cast<llm::ByModalityOp>(op))
        visit(byModality);
      else if (isa<llm::ModalitiesOp, llm::SegmentsOp>(op))
        define(op.getResult(0));
    }
  }

  ArenaPlan finish() {
    int64_t start = 0;
    for (auto &[op, record] : plan.records) {
      record.offset = start;
      start = llvm::alignTo(start + record.bytes(), 64);
    }
    plan.bytes = start + planBuffers(buffers);
    for (auto [root, buffer] : roots)
      plan.buffers[root] = start + buffers[buffer].offset;
    for (auto [op, buffer] : workspaces)
      plan.workspaces[op] = start + buffers[buffer].offset;
    return std::move(plan);
  }

private:
  void visit(llm::FusedOp fused) {
    for (Value input : fused.getInputs())
      use(input);
    KernelNeeds needs = needsOf(fused, shape, maxRowsOf(fused, analysis, maxTokens));
    plan.scratchBytes = std::max<int64_t>(plan.scratchBytes, llvm::alignTo(needs.scratchBytes, 64));
    if (needs.workspaceBytes > 0) {
      workspaces.emplace_back(fused, buffers.size());
      buffers.push_back({.bytes = needs.workspaceBytes, .first = now, .last = now});
    }
    for (Operation &op : fused.getBody().front()) {
      layer += isa<llm::AttentionOp>(op);
      if (auto experts = dyn_cast<moe::ExpertsOp>(op))
        plan.records[fused] = {ArenaRecord::Kind::ExpertLoad, layer, 0, experts.getCount()};
    }
    for (Value output : fused.getOutputs())
      if (isActivation(output) && !analysis.isReturned(output))
        define(output);
    ++now;
  }

  /// The operands are read before the region, to choose its rows, and behind it.
  void visit(llm::FfnSkipOp skip) {
    Block &body = skip.getBody().front();
    if (skip.mayBeSkipped())
      define(body.getArgument(0));
    ++now;
    visit(body);
    for (Value value : {Value(skip.getX()), Value(skip.getSkips()), body.getTerminator()->getOperand(0)})
      use(value);
    define(skip.getResult());
    define(skip.getRemaining());
    if (skip.getRecord())
      plan.records[skip] = {ArenaRecord::Kind::Cosines, layer, 0, maxTokens};
    else if (skip.mayBeSkipped())
      plan.records[skip] = {ArenaRecord::Kind::SkippedRows, layer, 0, 1};
    ++now;
  }

  /// Results are put together while the regions run one after the other, each of which reads the operands.
  void visit(llm::ByModalityOp op) {
    for (Value output : op.getOutputs())
      define(output);
    for (Region &region : op.getBodies()) {
      Block &body = region.front();
      for (Value rows : body.getArguments())
        define(rows);
      ++now;
      visit(body);
      for (Value made : body.getTerminator()->getOperands())
        use(made);
      ++now;
    }
    for (Value value : op->getOperands())
      use(value);
    for (Value output : op.getOutputs())
      use(output);
    ++now;
  }

  void define(Value root) {
    int64_t words = isActivation(root) ? activationColumns(root) * analysis.activations.lookup(root).rowsPerUnit : 1;
    roots[root] = buffers.size();
    buffers.push_back({.bytes = maxTokens * words * static_cast<int64_t>(sizeof(float)), .first = now, .last = now});
  }

  void use(Value value) {
    if (auto info = analysis.activations.find(value); info != analysis.activations.end())
      value = info->second.root;
    if (auto root = roots.find(value); root != roots.end())
      buffers[root->second].last = now;
  }

  const StepAnalysis &analysis;
  const KernelShape &shape;
  int64_t maxTokens;
  int64_t now = 0;
  int64_t layer = -1; ///< of the attention met last
  ArenaPlan plan;
  SmallVector<PlannedBuffer> buffers;
  llvm::MapVector<Value, size_t> roots;
  SmallVector<std::pair<Operation *, size_t>> workspaces;
};
} // namespace

ArenaPlan ArenaPlan::of(func::FuncOp step, const StepAnalysis &analysis, const KernelShape &shape, int64_t maxTokens) {
  ArenaPlanner planner(analysis, shape, maxTokens);
  planner.visit(step.getBody().front());
  return planner.finish();
}
