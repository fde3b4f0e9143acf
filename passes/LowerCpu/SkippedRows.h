//===- SkippedRows.h - code around a region that rows skip ----------------===//
#ifndef YOKE_PASSES_LOWERCPU_SKIPPEDROWS_H
#define YOKE_PASSES_LOWERCPU_SKIPPEDROWS_H

#include "LowerCpu/KernelBuilder.h"

namespace yoke {

/// What an `llm.ffn_skip` reads, writes and decides by, in memory. Members that it has no use for are null.
struct SkippedRows {
  mlir::Value x;         ///< memref<?xDxf32>
  mlir::Value skips;     ///< memref<?xi32>, blocks that a row still skips; null: none skips
  mlir::Value active;    ///< memref<?xDxf32>, room for the rows of x that are computed, one behind the other
  mlir::Value positions; ///< memref<?xi32>
  mlir::Value delta;     ///< memref<?xDxf32>, what the region made of `active`
  mlir::Value tau;       ///< f32
  mlir::Value warmUp, k; ///< i32
  mlir::Value result;    ///< memref<?xDxf32>
  mlir::Value remaining; ///< memref<?xi32>
  mlir::Value skipped;   ///< memref<1xi64>, the number of skipped rows is added to it
  mlir::Value cosines;   ///< memref<?xf32>, receives each row's cosine; no row skips then

  /// All that are not null, in a fixed order.
  llvm::SmallVector<mlir::Value> flatten() const;
  /// The same members as arguments of `entry`, whose first types are those of flatten().
  SkippedRows inside(mlir::Block &entry) const;
};

/// Copies a row of one memref<?xDxf32> to a row of another.
void copyRow(KernelBuilder &b, mlir::Value from, mlir::Value fromRow, mlir::Value to, mlir::Value toRow);

/// Fills `active` by the team together and returns how many rows it has, which every thread counts for itself.
mlir::Value emitActiveRows(KernelBuilder &b, const SkippedRows &rows);

/// Sums up, decides which rows skip the blocks to come, and counts.
void emitSkipResult(KernelBuilder &b, const SkippedRows &rows);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_SKIPPEDROWS_H
