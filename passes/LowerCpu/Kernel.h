//===- Kernel.h - a fused region on its way to vector code ----------------===//
#ifndef YOKE_PASSES_LOWERCPU_KERNEL_H
#define YOKE_PASSES_LOWERCPU_KERNEL_H

#include "LLM/LLM.h"
#include "LowerCpu/KernelOperands.h"
#include "MoE/MoE.h"

#include "llvm/ADT/DenseMap.h"

namespace yoke {

/// A fused region with memory for its values.
struct Kernel : KernelOperands {
  /// Gives the region's tensor arguments the memory in `operands.tensors`.
  Kernel(llm::FusedOp fused, int64_t interleave, const KernelOperands &operands);

  llm::FusedOp fused;
  /// Interleaving of a projection's panels, 0 for none.
  int64_t interleave;
  /// What holds each tensor argument of the region.
  llvm::DenseMap<mlir::Value, mlir::Value> memory;

  /// The first op of a type in the region, or null.
  template <typename OpTy> OpTy find() {
    auto ops = fused.getBody().getOps<OpTy>();
    return ops.empty() ? OpTy() : *ops.begin();
  }
};

/// Memory that a kernel needs besides its operands.
struct KernelNeeds {
  int64_t workspaceBytes = 0;
  int64_t scratchBytes = 0;
};

/// Bytes of the keys and the values of one layer in a page.
int64_t layerPageBytes(llm::KVCacheType cache);

KernelNeeds needsOf(llm::FusedOp fused, const KernelShape &shape, int64_t maxTokens);

/// Writes the kernel's code at the builder's place. Fails, with a diagnostic, for a region that no kernel computes.
mlir::LogicalResult emitKernel(KernelBuilder &builder, Kernel &kernel);

// One emitter for each kind of kernel.
void emitProjection(KernelBuilder &builder, Kernel &kernel);
void emitNorm(KernelBuilder &builder, Kernel &kernel);
/// Fails, with a diagnostic, for a region of experts that is made in another way than the kernel can compute.
mlir::LogicalResult emitExperts(KernelBuilder &builder, Kernel &kernel);
void emitAttention(KernelBuilder &builder, Kernel &kernel);
void emitElementwise(KernelBuilder &builder, Kernel &kernel);
void emitEmbedding(KernelBuilder &builder, Kernel &kernel);
void emitRopeTable(KernelBuilder &builder, Kernel &kernel);
void emitRope(KernelBuilder &builder, Kernel &kernel);
void emitPool(KernelBuilder &builder, Kernel &kernel);
void emitHeadLinear(KernelBuilder &builder, Kernel &kernel);
void emitConcatHeads(KernelBuilder &builder, Kernel &kernel);

KernelNeeds expertsNeeds(moe::ExpertsOp experts, int64_t maxTokens);
KernelNeeds attentionNeeds(llm::AttentionOp attention, const KernelShape &shape, int64_t maxTokens);

//===----------------------------------------------------------------------===//
// Pieces that several emitters share
//===----------------------------------------------------------------------===//

/// The vector of an element-wise result at one place, computed from vectors already known and from memory.
class ElementwiseEvaluator {
public:
  ElementwiseEvaluator(KernelBuilder &builder, Kernel &kernel, mlir::Value row, Columns columns)
      : builder(builder), kernel(kernel), row(row), columns(columns) {}

  void set(mlir::Value value, mlir::Value vector) { vectors[value] = vector; }
  mlir::Value get(mlir::Value value);

private:
  mlir::Value compute(mlir::Operation *op);

  KernelBuilder &builder;
  Kernel &kernel;
  mlir::Value row;
  Columns columns;
  llvm::DenseMap<mlir::Value, mlir::Value> vectors;
};

/// Normalises `size` columns that `read` gives and hands them to `write`. `scaleAndBias` holds the memrefs of an
/// `llm.rms_norm` or `llm.layer_norm`.
void emitNormRow(KernelBuilder &builder, Kernel &kernel, mlir::Operation *norm, int64_t size,
                 llvm::function_ref<mlir::Value(Columns)> read, llvm::function_ref<void(Columns, mlir::Value)> write);

/// Rotates one head in place: `head` is a memref whose elements `leading`, 0 .. are the head's.
void emitRotation(KernelBuilder &builder, llm::RopeStyle style, mlir::Value table, mlir::Value token, int64_t dims,
                  mlir::Value head, mlir::ValueRange leading);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_KERNEL_H
