//===- KernelGroup.h - ops that become one kernel -------------------------===//
#ifndef YOKE_PASSES_FUSE_KERNELGROUP_H
#define YOKE_PASSES_FUSE_KERNELGROUP_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SetVector.h"

namespace yoke {

/// True for ops that compute each element of their result from the same element of their tensor operands.
bool isElementwise(mlir::Operation *op);

/// Ops of one block that lower as one kernel. Only the group's last op may have readers outside it.
class KernelGroup {
public:
  /// Starts at `anchor` and takes in, around it, the ops that a kernel of that kind can compute.
  explicit KernelGroup(mlir::Operation *anchor);

  llvm::ArrayRef<mlir::Operation *> getOps() const { return ops.getArrayRef(); }

  /// Moves the ops into one `llm.fused`.
  void outline();

private:
  void takePrologue(mlir::Value value, llvm::function_ref<bool(mlir::Operation *)> wanted);
  void takeHeadPrologue(mlir::Value value, int64_t headDim);
  void takeGate(mlir::Operation *projection);
  void takeRoute(mlir::Operation *experts);
  void takeEpilogue();
  void takeBest();

  llvm::SetVector<mlir::Operation *> ops;
  mlir::Operation *last;
};

} // namespace yoke

#endif // YOKE_PASSES_FUSE_KERNELGROUP_H
