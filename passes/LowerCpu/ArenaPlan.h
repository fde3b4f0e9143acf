//===- ArenaPlan.h - where a step's values lie ----------------------------===//
#ifndef YOKE_PASSES_LOWERCPU_ARENAPLAN_H
#define YOKE_PASSES_LOWERCPU_ARENAPLAN_H

#include "LowerCpu/KernelShape.h"
#include "LowerCpu/StepAnalysis.h"

#include "llvm/ADT/MapVector.h"

namespace yoke {

/// Numbers that the step leaves in the arena for the runtime.
struct ArenaRecord {
  enum class Kind {
    SkippedRows, ///< i64 [1], how many rows skipped the layer's feed-forward block is added
    Cosines,     ///< f32 [tokens of a step], of each row before and after the block
    ExpertLoad   ///< i64 [experts], how many rows each computed is added
  };
  Kind kind;
  int64_t layer;  ///< from 0
  int64_t offset; ///< bytes
  int64_t size;   ///< elements

  int64_t bytes() const { return size * (kind == Kind::Cosines ? 4 : 8); }
};

/// Byte offsets in the arena, for steps of up to a number of tokens.
struct ArenaPlan {
  llvm::DenseMap<mlir::Value, int64_t> buffers;          ///< of roots, but for what the step returns
  llvm::DenseMap<mlir::Operation *, int64_t> workspaces; ///< of kernels that need one
  llvm::MapVector<mlir::Operation *, ArenaRecord>
      records;              ///< first in the arena, at the same places for all steps of a module
  int64_t bytes = 0;        ///< records included
  int64_t scratchBytes = 0; ///< for each thread, behind the shared part

  static ArenaPlan of(mlir::func::FuncOp step, const StepAnalysis &analysis, const KernelShape &shape,
                      int64_t maxTokens);
};

/// The largest number of rows that a kernel reads in steps of up to `maxTokens` tokens.
int64_t maxRowsOf(llm::FusedOp fused, const StepAnalysis &analysis, int64_t maxTokens);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ARENAPLAN_H
