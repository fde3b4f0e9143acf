//===- DeviceState.h - what lasts from step to step -----------------------===//
#ifndef YOKE_LIB_SIMULATEDDEVICE_DEVICESTATE_H
#define YOKE_LIB_SIMULATEDDEVICE_DEVICESTATE_H

#include "Checkpoint/Checkpoint.h"
#include "Interpreter/Interpreter.h"
#include "SimulatedDevice/SimulatedDevice.h"
#include "Simulator/BankedCache.h"
#include "Simulator/BankedMatrix.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace yoke {

struct SimulatedDevice::State {
  State(const Target &target, Checkpoint opened);

  /// The step of the smallest class that holds the batch, else the last.
  mlir::func::FuncOp functionFor(const Batch &batch) const;

  Target target;
  Checkpoint checkpoint;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<WeightCache> weights; ///< rounded to fp16
  sim::Machine machine;
  sim::DeviceValues values;
  std::map<std::string, sim::BankedMatrix> matrices; ///< that lie in banks, by the weight's name
  std::map<int64_t, sim::BankedCache> caches;        ///< by layer
  std::map<int32_t, std::vector<int32_t>> positions; ///< of the slots of each sequence, -1: never written
  SimulatedWork work;
  double flops = 0; ///< on the arrays
};

/// Runs one step of `function`.
Result<Matrix> runStep(SimulatedDevice::State &state, mlir::func::FuncOp function, const Batch &batch);

} // namespace yoke

#endif // YOKE_LIB_SIMULATEDDEVICE_DEVICESTATE_H
