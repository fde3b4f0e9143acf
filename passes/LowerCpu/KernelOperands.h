//===- KernelOperands.h - what a kernel is called with --------------------===//
#ifndef YOKE_PASSES_LOWERCPU_KERNELOPERANDS_H
#define YOKE_PASSES_LOWERCPU_KERNELOPERANDS_H

#include "LowerCpu/KernelBuilder.h"

namespace yoke {

/// The arrays of a `!llm.batch`, memref<?xi32> each, one element a token unless the step ABI says otherwise.
struct BatchArrays {
  mlir::Value positions, slots, limits, sequences, parents, outputs, blocks;
  mlir::Value blockStride; ///< index
};

/// The operands of a call, or the arguments inside; members that a kernel does not need are null.
struct KernelOperands {
  llvm::SmallVector<mlir::Value> tensors; ///< memory of the region's tensor arguments, in order
  mlir::Value result;                     ///< memref<?xDxf32>
  BatchArrays batch;
  mlir::Value kv;         ///< memref<?xi8>, all pages
  mlir::Value pageOffset; ///< index, byte offset of the layer in a page
  mlir::Value workspace;  ///< memref<?xi8>, shared by the team
  mlir::Value scratch;    ///< memref<?xi8>, this thread's own
  mlir::Value load;       ///< memref<Exi64>, what is counted of E experts
  Team team;

  /// All that are not null, in a fixed order.
  llvm::SmallVector<mlir::Value> flatten() const;

  /// The same members as arguments of `entry`, whose types are those of flatten().
  KernelOperands inside(mlir::Block &entry) const;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_KERNELOPERANDS_H
