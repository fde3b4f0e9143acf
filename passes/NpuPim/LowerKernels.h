//===- LowerKernels.h - placed kernels as commands ------------------------===//
#ifndef YOKE_PASSES_NPUPIM_LOWERKERNELS_H
#define YOKE_PASSES_NPUPIM_LOWERKERNELS_H

#include "Simulator/CommandProgram.h"
#include "Simulator/Workload.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace yoke {

/// The kernels of a placed step, one by one, each on its device. Errors are emitted at what cannot be lowered.
mlir::FailureOr<sim::CommandProgram> lowerKernels(mlir::func::FuncOp step, const Target &target,
                                                  const std::vector<sim::Request> &requests);

} // namespace yoke

#endif // YOKE_PASSES_NPUPIM_LOWERKERNELS_H
