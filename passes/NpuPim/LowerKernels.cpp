//===- LowerKernels.cpp - placed kernels as commands ----------------------===//
#include "NpuPim/LowerKernels.h"
#include "NpuPim/StepRequests.h"

#include "LLM/LLM.h"
#include "MoE/MoE.h"
#include "Place/Place.h"
#include "Simulator/KernelSchedule.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using sim::Phase;
using sim::TaskId;

namespace {
/// Where a value of the step comes from.
struct Made {
  TaskId task = -1;
  enum Kind { Other, Attention, Activation } kind = Other;
};

int64_t columns(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

bool isRows(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.isDynamicDim(0);
}

class KernelLowering {
public:
  KernelLowering(const Target &target, const sim::ModelShape &shape, const std::vector<sim::Request> &requests,
                 int64_t logitsRows)
      : target(target), requests(requests), logitsRows(logitsRows), schedule(target, shape) {
    for (const sim::Request &request : requests)
      rows += request.rows;
  }

  FailureOr<sim::CommandProgram> run(func::FuncOp step) {
    if (failed(lower(step.getBody().front())))
      return failure();
    auto commands = schedule.finish(take(step.getBody().front().getTerminator()).task, step.getName().str());
    if (!commands)
      return step.emitError() << commands.error().message;
    return std::move(*commands);
  }

private:
  /// All operands of an op.
  Made take(Operation *op) {
    std::vector<TaskId> inputs;
    Made result;
    for (Value operand : op->getOperands()) {
      Made from = made.lookup(operand);
      inputs.push_back(from.task);
      if (isRows(operand) && from.kind != Made::Other)
        result.kind = from.kind;
    }
    result.task = schedule.all(inputs);
    return result;
  }

  LogicalResult lower(Block &block) {
    for (Operation &op : block.without_terminator())
      if (failed(lower(&op)))
        return failure();
    return success();
  }

  /// An op whose region computes its results from its operands.
  LogicalResult lowerRegion(Operation *op) {
    Block &body = op->getRegion(0).front();
    for (auto [argument, operand] : llvm::zip(body.getArguments(), op->getOperands()))
      made[argument] = made.lookup(operand);
    if (failed(lower(body)))
      return failure();
    for (auto [result, value] : llvm::zip(op->getResults(), body.getTerminator()->getOperands()))
      made[result] = made.lookup(value);
    return success();
  }

  LogicalResult lower(Operation *op) {
    if (auto on = dyn_cast<place::OnOp>(op)) {
      if (on.getDevice() != place::Device::npu && on.getDevice() != place::Device::pim)
        return on.emitError() << "cannot be lowered to NPU and PIM commands: it is placed on "
                              << place::stringifyDevice(on.getDevice());
      onPim = on.getDevice() == place::Device::pim;
      placed = true;
      LogicalResult result = lowerRegion(op);
      placed = false;
      return result;
    }
    if (auto fused = dyn_cast<llm::FusedOp>(op)) {
      if (!placed)
        return op->emitError("expected this kernel to be placed: run --yoke-partition before");
      feedForward = llvm::any_of(fused.getBody().getOps(), llvm::IsaPred<llm::GatedOp, llm::ActivationOp>);
      return lowerRegion(op);
    }
    Made from = take(op);
    if (auto experts = dyn_cast<moe::ExpertsOp>(op))
      return lowerExperts(experts, from);
    if (op->getNumRegions() > 0)
      return op->emitOpError("cannot be lowered to NPU and PIM commands");
    Made result = compute(op, from);
    if (result.task == refused)
      return failure();
    for (Value value : op->getResults())
      made[value] = result;
    return success();
  }

  /// Which experts a token reaches is known only when the step runs: commands are made for those that an even load
  /// reaches, each with its share of the rows.
  LogicalResult lowerExperts(moe::ExpertsOp op, Made from) {
    auto all = static_cast<double>(op.getCount()), each = static_cast<double>(op.getTopK());
    int64_t pairs = rows * op.getTopK();
    int64_t expected = std::llround(all * (1 - std::pow(1 - each / all, static_cast<double>(rows))));
    int64_t reached = std::clamp(expected, int64_t(1), std::min(op.getCount(), pairs));
    remark::analysis(op.getLoc(), remark::RemarkOpts::name("EvenLoad").category("yoke-lower-npu-pim"))
        << fmt::format("{} of {} experts, reached by an even load of {} rows", reached, op.getCount(), rows);
    int64_t stepRows = rows;
    std::vector<TaskId> parts;
    Block &body = op.getBody().front();
    for (int64_t expert = 0; expert < reached; ++expert) {
      rows = pairs / reached + (expert < pairs % reached);
      for (Value argument : body.getArguments())
        made[argument] = from;
      if (failed(lower(body)))
        return failure();
      parts.push_back(made.lookup(body.getTerminator()->getOperand(0)).task);
    }
    rows = stepRows;
    TaskId done = schedule.all(parts);
    made[op.getResult()] = {
        schedule.elementwise(rows, columns(op.getResult()), op.getTopK(), Phase::FeedForward, done)};
    return success();
  }

  static constexpr TaskId refused = -2;

  Made compute(Operation *op, Made from) {
    if (auto linear = dyn_cast<llm::LinearOp>(op)) {
      Phase phase = from.kind == Made::Attention                   ? Phase::Projection
                    : from.kind == Made::Activation || feedForward ? Phase::FeedForward
                                                                   : Phase::Qkv;
      return {product(rows, linear.getWeight(), phase, static_cast<bool>(linear.getBias()), from.task)};
    }
    if (auto head = dyn_cast<llm::LmHeadOp>(op))
      return {product(logitsRows, head.getWeight(), Phase::Head, static_cast<bool>(head.getBias()), from.task)};
    if (auto heads = dyn_cast<llm::HeadLinearOp>(op)) {
      auto type = cast<RankedTensorType>(heads.getWeight().getType());
      std::vector<TaskId> parts;
      for (int64_t head = 0; head < type.getDimSize(0); ++head)
        parts.push_back(schedule.product(onPim, rows, type.getDimSize(2), type.getDimSize(1), Phase::Qkv, from.task));
      return {schedule.all(parts)};
    }
    if (auto attention = dyn_cast<llm::AttentionOp>(op))
      return attend(attention, from);
    if (auto embedding = dyn_cast<llm::EmbeddingOp>(op)) {
      auto table = cast<RankedTensorType>(embedding.getTable().getType());
      return {schedule.load(rows * table.getDimSize(1) * target.npu->elementBytes, Phase::Other, from.task)};
    }
    if (isa<llm::RmsNormOp, llm::LayerNormOp>(op))
      return {schedule.norm(rows, columns(op->getResult(0)), from.task), from.kind};
    if (isa<tensor::TensorDialect>(op->getDialect()) || op->hasTrait<OpTrait::ConstantLike>() ||
        isa<ml_program::GlobalLoadConstOp, place::TransferOp, llm::ConcatHeadsOp, llm::PositionsOp>(op) ||
        op->getNumResults() == 0 || !isRows(op->getResult(0)))
      return from;
    if (auto route = dyn_cast<moe::RouteOp>(op))
      return {schedule.elementwise(rows, columns(route.getLogits()), 2 + static_cast<int64_t>(route.getTopK()),
                                   Phase::FeedForward, from.task)};
    Made result = from;
    if (isa<llm::GatedOp, llm::ActivationOp>(op))
      result.kind = Made::Activation;
    else if (!isa<llm::ScaleOp, llm::BiasOp>(op))
      result.kind = Made::Other;
    int64_t passes = isa<llm::RopeOp>(op) ? 3 : isa<llm::GatedOp>(op) ? 2 : 1;
    Phase phase = isa<llm::RopeOp>(op) ? Phase::Qkv : feedForward ? Phase::FeedForward : Phase::Residual;
    result.task = schedule.elementwise(rows, columns(op->getResult(0)), passes, phase, from.task);
    return result;
  }

  TaskId product(int64_t productRows, Value weight, Phase phase, bool bias, TaskId after) {
    auto type = cast<RankedTensorType>(weight.getType());
    TaskId done = schedule.product(onPim, productRows, type.getDimSize(1), type.getDimSize(0), phase, after);
    return bias ? schedule.elementwise(productRows, type.getDimSize(0), 1, phase, done) : done;
  }

  Made attend(llm::AttentionOp op, Made from) {
    if (onPim && op.getHeadDim() * target.pim->elementBytes > target.memory->rowBytes) {
      op.emitOpError() << "cannot be lowered to PIM commands: a head of " << op.getHeadDim()
                       << " elements is longer than a row of " << target.memory->rowBytes << " bytes";
      return {refused};
    }
    std::vector<sim::Request> seen = requests;
    for (sim::Request &request : seen) {
      if (!op.getCache())
        request.length = request.rows;
      if (std::optional<uint64_t> window = op.getWindow())
        request.length = std::min(request.length, static_cast<int64_t>(*window) + request.rows - 1);
    }
    return {schedule.attention(onPim, seen, from.task), Made::Attention};
  }

  const Target &target;
  const std::vector<sim::Request> &requests;
  int64_t logitsRows, rows = 0;
  sim::KernelSchedule schedule;
  llvm::DenseMap<Value, Made> made;
  bool onPim = false, placed = false, feedForward = false;
};

/// The shape of the attention of a step; one of a single element when it has none.
FailureOr<sim::ModelShape> attentionShape(func::FuncOp step) {
  sim::ModelShape shape;
  shape.name = step.getName().str();
  shape.heads = shape.keyHeads = shape.headSize = shape.width = shape.layers = 1;
  llm::AttentionOp first;
  WalkResult result = step.walk([&](llm::AttentionOp op) -> WalkResult {
    if (!first)
      first = op;
    if (op.getHeads() == first.getHeads() && op.getKvHeads() == first.getKvHeads() &&
        op.getHeadDim() == first.getHeadDim())
      return WalkResult::advance();
    return op.emitOpError() << "cannot be lowered to NPU and PIM commands beside attention of another shape: expected "
                            << first.getHeads() << " heads of " << first.getHeadDim() << " and " << first.getKvHeads()
                            << " of keys, found " << op.getHeads() << " of " << op.getHeadDim() << " and "
                            << op.getKvHeads();
  });
  if (result.wasInterrupted())
    return failure();
  if (first) {
    shape.heads = static_cast<int64_t>(first.getHeads());
    shape.keyHeads = static_cast<int64_t>(first.getKvHeads());
    shape.headSize = first.getHeadDim();
  }
  return shape;
}
} // namespace

FailureOr<sim::CommandProgram> yoke::lowerKernels(func::FuncOp step, const Target &target,
                                                  const std::vector<sim::Request> &requests) {
  FailureOr<sim::ModelShape> shape = attentionShape(step);
  if (failed(shape))
    return failure();
  std::vector<sim::Request> placed = requests;
  sim::placeRequests(placed, *shape, target, sim::Placement::AsGiven);
  return KernelLowering(target, *shape, placed, headRows(step)).run(step);
}
