//===- IntegerProduct.h - rows of integers times a quantised panel --------===//
#ifndef YOKE_PASSES_LOWERCPU_INTEGERPRODUCT_H
#define YOKE_PASSES_LOWERCPU_INTEGERPRODUCT_H

#include "LowerCpu/QuantizedRows.h"
#include "LowerCpu/WeightLayout.h"

namespace yoke {

/// Sums of products of integers, exact within a block of 32 inputs; the blocks' sums are scaled and added in float32,
/// one after the other. The result does not depend on how many rows are computed, nor on which instructions the target
/// has.
class IntegerProduct {
public:
  /// `memory` is memref<..., panels, blocks, bytes>; `stackIndices` come before the panel's.
  IntegerProduct(KernelBuilder &b, mlir::Value memory, llm::QuantType quant, mlir::ValueRange stackIndices,
                 const QuantizedRows &x)
      : b(b), memory(memory), quant(quant), block(quant), stackIndices(stackIndices), x(x) {}

  /// For each row of `x` that `sources` names, the sums for each vector of the panel.
  llvm::SmallVector<mlir::Value> sums(mlir::Value panel, llvm::ArrayRef<mlir::Value> sources);

private:
  /// Where one vector of rows of the panel lies in one block.
  struct Place {
    mlir::Value panel, block;
    int64_t vector;
  };

  llvm::SmallVector<mlir::Value> blockSums(mlir::Value panel, mlir::Value blockIndex, int64_t vector, int64_t count,
                                           llvm::ArrayRef<mlir::Value> sources);
  void addScaled(const Place &place, llvm::ArrayRef<mlir::Value> exact, int64_t offset, int64_t count,
                 llvm::ArrayRef<mlir::Value> sources, llvm::MutableArrayRef<mlir::Value> totals);
  llvm::SmallVector<mlir::Value> quadsOf(const Place &place, int64_t line);
  mlir::Value spread(mlir::Value word);
  mlir::Value dot(mlir::Value sum, mlir::Value weights, mlir::Value inputs);
  mlir::Value loadBytes(const Place &place, int64_t offset, int64_t bytes);
  mlir::Value loadScales(const Place &place, int64_t offset);
  mlir::Value splatOf(mlir::VectorType type, int64_t value);
  mlir::VectorType integers(int64_t bits) {
    return mlir::VectorType::get({b.shape.lanes * 32 / bits}, b.getIntegerType(static_cast<unsigned>(bits)));
  }

  KernelBuilder &b;
  mlir::Value memory;
  llm::QuantType quant;
  QuantBlock block;
  mlir::ValueRange stackIndices;
  const QuantizedRows &x;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_INTEGERPRODUCT_H
