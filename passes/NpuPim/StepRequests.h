//===- StepRequests.h - the requests and the shape of a step --------------===//
#ifndef YOKE_PASSES_NPUPIM_STEPREQUESTS_H
#define YOKE_PASSES_NPUPIM_STEPREQUESTS_H

#include "Simulator/Workload.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace yoke {

/// The requests of a step's class, each with `context` tokens before it, or those of `batchFile` unless it is empty.
/// Errors: Malformed (the file; it has not as many requests as the class has sequences).
Result<std::vector<sim::Request>> requestsOf(mlir::func::FuncOp step, const Target &target, int64_t context,
                                             const std::string &batchFile);

/// Rows that the head computes.
int64_t headRows(mlir::func::FuncOp step);

/// The shape of a step that is a stack of equal decoder blocks with a head, on `devices` devices. Error (Malformed):
/// what it is that the step has or has not.
Result<sim::ModelShape> decoderShape(mlir::func::FuncOp step, int64_t devices);

} // namespace yoke

#endif // YOKE_PASSES_NPUPIM_STEPREQUESTS_H
