//===- Outline.h - kernels into placed regions ----------------------------===//
#ifndef YOKE_PASSES_PARTITION_OUTLINE_H
#define YOKE_PASSES_PARTITION_OUTLINE_H

#include "Place/Place.h"

#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseMap.h"

namespace yoke {

/// Moves the kernels of `block`, each of which has its device, into `place.on` regions: one for each run of kernels of
/// one device. Ops between them that read a run's results go with it; constants and weights are read inside. Tensors
/// that another device made are transferred once to each device that reads them.
void outlinePlacement(mlir::Block &block, const llvm::DenseMap<mlir::Operation *, place::Device> &devices);

} // namespace yoke

#endif // YOKE_PASSES_PARTITION_OUTLINE_H
