//===- KernelWork.h - what a kernel does, in numbers ----------------------===//
#ifndef YOKE_PASSES_PARTITION_KERNELWORK_H
#define YOKE_PASSES_PARTITION_KERNELWORK_H

#include "Partition/StepClass.h"
#include "Target/CostModel.h"

namespace yoke {

/// Sizes that the IR leaves open.
struct StepSizes {
  StepClass step;
  int64_t context;    ///< tokens of a sequence in the cache
  int64_t logitsRows; ///< rows that the head computes
};

/// True for ops that are placed: `llm.fused`.
bool isKernel(mlir::Operation *op);

/// Products and other operations of the ops inside `kernel`, the kernel's own region or op.
Work workOf(mlir::Operation *kernel, const StepSizes &sizes);

/// Bytes of weights that ops inside `root` or its operands' loads read, as stored; 0 for what is no weight.
double weightBytes(mlir::Operation *load);
/// Bytes of KV cache that attention inside `kernel` reads, for the step's sequences.
double cacheBytes(mlir::Operation *kernel, const StepSizes &sizes);
/// Elements of a value in a step: its dynamic dimension has as many rows as the step.
double elementsOf(mlir::Value value, const StepSizes &sizes);

} // namespace yoke

#endif // YOKE_PASSES_PARTITION_KERNELWORK_H
