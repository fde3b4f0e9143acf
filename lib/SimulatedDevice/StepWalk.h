//===- StepWalk.h - from the ops of a step to tasks with values -----------===//
#ifndef YOKE_LIB_SIMULATEDDEVICE_STEPWALK_H
#define YOKE_LIB_SIMULATEDDEVICE_STEPWALK_H

#include "Interpreter/Frame.h"
#include "MoE/MoE.h"
#include "Place/Place.h"
#include "SimulatedDevice/DeviceState.h"

namespace yoke {

/// A value of the step: there already, or what a task will make.
struct Handle {
  std::shared_ptr<RuntimeValue> value = std::make_shared<RuntimeValue>();
  sim::TaskId task = -1; ///< that makes it, -1: it is there
  int64_t segment = 0;   ///< of the step, in which task numbers mean something
  int64_t rows = 0, cols = 0;
  std::string weight; ///< its name, when it is one
};

/// Adds the tasks of one step to a program and runs it, in segments: what experts do can only be planned when their
/// router has chosen.
class StepWalk {
public:
  StepWalk(SimulatedDevice::State &state, const Batch &batch)
      : state(state), batch(batch), step{batch, noCache, *state.weights}, program(state.values) {}

  Result<Matrix> run(mlir::func::FuncOp function);

private:
  using Handles = llvm::SmallVector<Handle>;

  Result<Handles> walk(mlir::Block &block, Handles arguments);
  Status walk(mlir::Operation *op);
  Status nested(mlir::Operation *op, mlir::Block &body);
  Status compute(mlir::Operation *op);
  Status linear(mlir::Operation *op, mlir::Value x, mlir::Value weight, mlir::Value bias, bool head);
  Status headLinear(llm::HeadLinearOp op);
  Status attention(llm::AttentionOp op);
  Status experts(moe::ExpertsOp op);
  Result<Handle> runExpert(moe::ExpertsOp op, int64_t expert, Matrix rows);

  Handle &handle(mlir::Value value) { return handles[value]; }
  static const Matrix &matrixOf(const std::shared_ptr<RuntimeValue> &value) {
    return *std::get<std::shared_ptr<const Matrix>>(*value);
  }
  sim::TaskId readyOf(const Handle &handle) const { return handle.segment == segment ? handle.task : -1; }
  void define(mlir::Value value, Handle made) { handles[value] = std::move(made); }
  /// What `task` will have made: `matrix`.
  Handle made(std::shared_ptr<Matrix> matrix, sim::TaskId task);
  Status finishSegment();

  /// The rows of `source` that are wanted, as operands of the arrays; checked to fit in fp16.
  sim::TaskId round(mlir::Operation *op, const Handle &source, bool wantedRows, std::shared_ptr<Matrix> into);
  sim::TaskId multiplyOnArrays(std::shared_ptr<const Matrix> weight, std::shared_ptr<Matrix> x,
                               std::shared_ptr<Matrix> result, sim::Phase phase, sim::TaskId ready);
  Result<sim::TaskId> multiplyInBanks(const Handle &weight, std::shared_ptr<Matrix> x, std::shared_ptr<Matrix> result,
                                      sim::Phase phase, sim::TaskId ready);
  Result<sim::CacheQuery> queryOf(llm::AttentionOp op, int64_t token) const;

  SimulatedDevice::State &state;
  const Batch &batch;
  KvCache noCache;
  Step step;
  sim::ValueProgram program;
  int64_t segment = 0;
  bool onPim = false;
  llvm::DenseMap<mlir::Value, Handle> handles;
};

} // namespace yoke

#endif // YOKE_LIB_SIMULATEDDEVICE_STEPWALK_H
