//===- ArenaPlan.h - where a step's values lie ----------------------------===//
#ifndef YOKE_PASSES_LOWERCPU_ARENAPLAN_H
#define YOKE_PASSES_LOWERCPU_ARENAPLAN_H

#include "LowerCpu/KernelShape.h"
#include "LowerCpu/StepAnalysis.h"

namespace yoke {

/// Byte offsets in the arena, for steps of up to a number of tokens.
struct ArenaPlan {
  llvm::DenseMap<mlir::Value, int64_t> buffers;          ///< of roots, but for what the step returns
  llvm::DenseMap<mlir::Operation *, int64_t> workspaces; ///< of kernels that need one
  int64_t bytes = 0;
  int64_t scratchBytes = 0; ///< for each thread, behind the shared part

  static ArenaPlan of(const StepAnalysis &analysis, const KernelShape &shape, int64_t maxTokens);
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ARENAPLAN_H
