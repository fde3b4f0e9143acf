//===- KernelWork.cpp - what a kernel does, in numbers --------------------===//
#include "Partition/KernelWork.h"

#include "LLM/LLM.h"
#include "MoE/MoE.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace yoke;

namespace {
double storedBytes(Type element) {
  return element.isIntOrFloat() ? static_cast<double>(element.getIntOrFloatBitWidth()) / 8 : 1.0;
}

/// Operations on each element of the result, counted as one each for +, *, max and four for an exponential or a root.
double operationsPerElement(Operation *op) {
  if (isa<llm::RmsNormOp>(op))
    return 4;
  if (isa<llm::LayerNormOp>(op))
    return 7;
  if (isa<llm::ActivationOp, llm::GatedOp, llm::SoftcapOp>(op))
    return 7;
  if (isa<llm::RopeOp>(op))
    return 3;
  return 1;
}

class Counter {
public:
  explicit Counter(const StepSizes &sizes) : sizes(sizes) {}

  /// Ops of `region`, whose rows number `rows`, executed `count` times with matrices of their own.
  void add(Region &region, double rows, double count) {
    for (Operation &op : region.getOps())
      add(&op, rows, count);
  }

  void add(Operation *op, double rows, double count) {
    if (auto linear = dyn_cast<llm::LinearOp>(op))
      return addProduct(linear.getOperand(1), rows, count);
    if (auto head = dyn_cast<llm::LmHeadOp>(op))
      return addProduct(head.getOperand(1), static_cast<double>(sizes.logitsRows), count);
    if (auto heads = dyn_cast<llm::HeadLinearOp>(op)) {
      auto type = heads.getWeight().getType();
      work.products.push_back({rows, static_cast<double>(type.getDimSize(2)), static_cast<double>(type.getDimSize(1)),
                               static_cast<double>(type.getDimSize(0)) * count, storedBytes(type.getElementType())});
      return;
    }
    if (auto attention = dyn_cast<llm::AttentionOp>(op))
      return addAttention(attention);
    if (auto experts = dyn_cast<moe::ExpertsOp>(op))
      return addExperts(experts, rows);
    if (auto embedding = dyn_cast<llm::EmbeddingOp>(op)) {
      auto table = cast<RankedTensorType>(embedding.getTable().getType());
      work.streamedBytes += rows * static_cast<double>(table.getDimSize(1)) * storedBytes(table.getElementType());
      return;
    }
    for (Value result : op->getResults())
      if (auto type = dyn_cast<RankedTensorType>(result.getType());
          type && type.getRank() == 2 && !isa_and_nonnull<tensor::TensorDialect>(op->getDialect()))
        work.vectorElements += rows * count * static_cast<double>(type.getDimSize(1)) * operationsPerElement(op);
  }

  Work work;

private:
  void addProduct(Value matrix, double rows, double count) {
    auto type = cast<RankedTensorType>(matrix.getType());
    work.products.push_back({rows, static_cast<double>(type.getDimSize(1)), static_cast<double>(type.getDimSize(0)),
                             count, storedBytes(type.getElementType())});
  }

  void addAttention(llm::AttentionOp op) {
    auto tokens = static_cast<double>(sizes.step.tokens);
    // A prompt's tokens see half of each other on average.
    double length = static_cast<double>(sizes.context) + tokens / 2;
    if (std::optional<uint64_t> window = op.getWindow())
      length = std::min(length, static_cast<double>(*window));
    auto kvHeads = static_cast<double>(op.getKvHeads()), heads = static_cast<double>(op.getHeads());
    double headDim = static_cast<double>(op.getHeadDim());
    double rows = tokens * heads / kvHeads, count = static_cast<double>(sizes.step.sequences) * kvHeads;
    work.products.push_back({rows, headDim, length, count, sizeof(float)});
    work.products.push_back({rows, length, headDim, count, sizeof(float)});
    constexpr double softmax = 7; // difference, exponential, sum, scale
    work.vectorElements += rows * count * length * softmax;
  }

  /// Rows go to top_k of E experts each, evenly: so many are reached, with so many rows each.
  void addExperts(moe::ExpertsOp op, double rows) {
    auto all = static_cast<double>(op.getCount()), each = static_cast<double>(op.getTopK());
    double reached = all * (1 - std::pow(1 - each / all, rows));
    add(op.getBody(), rows * each / reached, reached);
    work.vectorElements += rows * each * static_cast<double>(op.getResult().getType().getDimSize(1));
  }

  const StepSizes &sizes;
};
} // namespace

bool yoke::isKernel(Operation *op) { return isa<llm::FusedOp>(op); }

Work yoke::workOf(Operation *kernel, const StepSizes &sizes) {
  Counter counter(sizes);
  counter.add(cast<llm::FusedOp>(kernel).getBody(), static_cast<double>(sizes.step.rows()), 1);
  return std::move(counter.work);
}

double yoke::weightBytes(Operation *load) {
  auto op = dyn_cast<ml_program::GlobalLoadConstOp>(load);
  auto type = op ? dyn_cast<RankedTensorType>(op.getType()) : RankedTensorType();
  return type ? static_cast<double>(type.getNumElements()) * storedBytes(type.getElementType()) : 0;
}

double yoke::cacheBytes(Operation *kernel, const StepSizes &sizes) {
  double bytes = 0;
  kernel->walk([&](llm::AttentionOp op) {
    if (op.getCache())
      bytes += 2.0 * static_cast<double>(op.getKvHeads()) * static_cast<double>(op.getHeadDim()) * sizeof(float) *
               static_cast<double>(sizes.step.sequences * (sizes.context + sizes.step.tokens));
  });
  return bytes;
}

double yoke::elementsOf(Value value, const StepSizes &sizes) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return 0;
  double elements = 1;
  for (int64_t size : type.getShape())
    elements *= static_cast<double>(ShapedType::isDynamic(size) ? sizes.step.rows() : size);
  return elements;
}
