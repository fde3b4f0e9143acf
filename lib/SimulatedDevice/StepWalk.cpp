//===- StepWalk.cpp - from the ops of a step to tasks with values ---------===//
#include "SimulatedDevice/StepWalk.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace yoke;
using sim::TaskId;

Result<Matrix> yoke::runStep(SimulatedDevice::State &state, func::FuncOp function, const Batch &batch) {
  return StepWalk(state, batch).run(function);
}

Handle StepWalk::made(std::shared_ptr<Matrix> matrix, TaskId task) {
  Handle result;
  result.rows = matrix->rows;
  result.cols = matrix->cols;
  *result.value = std::shared_ptr<const Matrix>(std::move(matrix));
  result.task = task;
  result.segment = segment;
  return result;
}

Status StepWalk::finishSegment() {
  YOKE_TRY(program.run(state.machine));
  ++segment;
  return {};
}

Result<Matrix> StepWalk::run(func::FuncOp function) {
  Handles arguments;
  for (Type type : function.getArgumentTypes()) {
    Handle argument;
    if (isa<llm::BatchType>(type))
      *argument.value = BatchValue{};
    else if (isa<llm::KVCacheType>(type))
      *argument.value = CacheValue{0};
    else
      *argument.value = batch.tokens;
    argument.rows = batch.size();
    arguments.push_back(std::move(argument));
  }
  Handles results = YOKE_TRY(walk(function.getBody().front(), std::move(arguments)));
  YOKE_TRY(finishSegment());
  return matrixOf(results.front().value);
}

Result<StepWalk::Handles> StepWalk::walk(Block &block, Handles arguments) {
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
    handles[argument] = value;
  for (Operation &op : block.without_terminator())
    YOKE_TRY(walk(&op));
  Handles results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(handle(operand));
  return results;
}

/// A region whose arguments are the operands and whose terminator yields the results.
Status StepWalk::nested(Operation *op, Block &body) {
  Handles arguments;
  for (Value operand : op->getOperands())
    arguments.push_back(handle(operand));
  Handles results = YOKE_TRY(walk(body, std::move(arguments)));
  for (auto [value, result] : llvm::zip_equal(op->getResults(), results))
    define(value, std::move(result));
  return {};
}

Status StepWalk::walk(Operation *op) {
  return llvm::TypeSwitch<Operation *, Status>(op)
      .Case([&](place::OnOp on) -> Status {
        if (on.getDevice() != place::Device::npu && on.getDevice() != place::Device::pim)
          return errorAt(ErrorKind::Failed, op, "only npu and pim are simulated with values");
        llvm::SaveAndRestore device(onPim, on.getDevice() == place::Device::pim);
        return nested(op, on.getBody().front());
      })
      .Case([&](llm::FusedOp fused) { return nested(op, fused.getBody().front()); })
      .Case([&](place::TransferOp transfer) -> Status {
        define(transfer.getResult(), handle(transfer.getValue()));
        return {};
      })
      .Case([&](ml_program::GlobalLoadConstOp load) -> Status {
        Handle weight;
        auto matrix = YOKE_TRY(state.weights->load(load.getGlobalAttr(), op));
        weight.rows = matrix->rows;
        weight.cols = matrix->cols;
        weight.weight = load.getGlobalAttr().getLeafReference().str();
        *weight.value = std::move(matrix);
        define(load.getResult(), std::move(weight));
        return {};
      })
      .Case([&](tensor::DimOp dim) -> Status {
        const Handle &source = handle(dim.getSource());
        Handle size;
        *size.value = std::get<int64_t>(*handle(dim.getIndex()).value) == 0 ? source.rows : source.cols;
        define(dim.getResult(), std::move(size));
        return {};
      })
      .Case([&](llm::LinearOp x) { return linear(op, x.getX(), x.getWeight(), x.getBias(), false); })
      .Case([&](llm::LmHeadOp x) { return linear(op, x.getX(), x.getWeight(), x.getBias(), true); })
      .Case<llm::HeadLinearOp>([&](auto x) { return headLinear(x); })
      .Case<llm::AttentionOp>([&](auto x) { return attention(x); })
      .Case<moe::ExpertsOp>([&](auto x) { return experts(x); })
      .Default([&](Operation *) { return compute(op); });
}

/// Cycles of a vector unit for a row of an op's result.
static int64_t vectorCycles(Operation *op, const sim::ProgramBuilder &builder, int64_t cols) {
  int64_t lanes = builder.lanes(cols);
  if (isa<llm::RmsNormOp, llm::LayerNormOp>(op))
    return builder.normCycles(cols);
  if (isa<moe::RouteOp>(op))
    return builder.softmaxCycles(cols);
  if (isa<llm::RopeOp, llm::SoftcapOp>(op))
    return 3 * lanes;
  if (isa<llm::GatedOp>(op))
    return 2 * lanes;
  if (isa<tensor::ExtractSliceOp, tensor::CastOp>(op))
    return 0;
  return lanes;
}

static sim::Phase phaseOf(Operation *op) {
  if (isa<llm::RmsNormOp, llm::LayerNormOp>(op))
    return sim::Phase::Norm;
  if (isa<arith::AddFOp>(op))
    return sim::Phase::Residual;
  if (isa<llm::ActivationOp, llm::GatedOp, moe::RouteOp>(op))
    return sim::Phase::FeedForward;
  return sim::Phase::Other;
}

/// What the reference interpreter computes, on the vector units.
Status StepWalk::compute(Operation *op) {
  SmallVector<std::shared_ptr<RuntimeValue>> operands;
  TaskId ready = program.join();
  int64_t rows = batch.size(), cols = 0;
  bool hasRows = false;
  for (Value operand : op->getOperands()) {
    Handle &source = handle(operand);
    operands.push_back(source.value);
    program.depend(ready, readyOf(source));
    if (source.weight.empty() && source.cols > 0) {
      rows = source.rows;
      cols = std::max(cols, source.cols);
      hasRows = true;
    }
  }
  auto evaluate = [this, op, operands]() -> Result<SmallVector<RuntimeValue>> {
    SmallVector<RuntimeValue> values;
    for (const auto &operand : operands)
      values.push_back(*operand);
    return runOp(step, op, values);
  };
  SmallVector<std::shared_ptr<RuntimeValue>> results;
  bool atOnce = !hasRows && !isa<llm::EmbeddingOp>(op);
  TaskId task = -1;
  if (isa<llm::EmbeddingOp>(op)) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    task = program.add(sim::TaskKind::Load, sim::loadEngine, sim::Phase::Other,
                       rows * type.getDimSize(1) * state.target.npu->elementBytes, {ready});
  } else if (!atOnce) {
    int64_t cycles = vectorCycles(op, program, cols);
    task = cycles ? program.vectors(rows, cycles, phaseOf(op), ready) : program.join({ready});
  }
  for (Value result : op->getResults()) {
    Handle defined;
    auto type = dyn_cast<RankedTensorType>(result.getType());
    defined.rows = rows;
    defined.cols = type && type.getRank() > 1 ? type.getDimSize(1) : 0;
    defined.task = task;
    defined.segment = segment;
    results.push_back(defined.value);
    define(result, std::move(defined));
  }
  auto finish = [evaluate, results]() -> Status {
    SmallVector<RuntimeValue> values = YOKE_TRY(evaluate());
    for (auto [result, value] : llvm::zip_equal(results, values))
      *result = std::move(value);
    return {};
  };
  if (atOnce)
    return finish();
  program.whenDone(task, finish);
  return {};
}
