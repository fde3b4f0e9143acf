//===- PanelProduct.h - rows of activations times panels of a matrix ------===//
#ifndef YOKE_PASSES_LOWERCPU_PANELPRODUCT_H
#define YOKE_PASSES_LOWERCPU_PANELPRODUCT_H

#include "LowerCpu/QuantizedRows.h"

namespace yoke {

/// A matrix [outputs, inputs] that lies in panels.
struct PanelMatrix {
  mlir::Value memory; ///< memref<..., panels, groups, panel>
  int64_t outputs, inputs;
  bool interleaved = false;   ///< panels hold outputs of both halves, see `#llm.layout`
  mlir::Type element = {};    ///< of the weight before it was packed
  mlir::Type rowElement = {}; ///< what activations are rounded to, null: float32

  template <typename ProjectionOp>
  static PanelMatrix of(mlir::Value memory, ProjectionOp product, bool interleaved = false) {
    mlir::RankedTensorType type = product.getWeight().getType();
    return {memory,      type.getDimSize(0),    type.getDimSize(1),
            interleaved, type.getElementType(), product.getXType().value_or(mlir::Type())};
  }

  /// Null when it is a matrix of floats.
  llm::QuantType quant() const { return mlir::dyn_cast_if_present<llm::QuantType>(element); }
  /// Panels of one matrix.
  int64_t panels() const;
};

/// Rows `begin` to `end`, the last of them fewer than a block apart.
struct RowBlocks {
  mlir::Value begin, lastBegin, rest;
};

/// Goes over rows of activations, `rowBlock` at a time, and keeps rowBlock x panel sums in registers while it walks the
/// inputs once. The sums of a row are the same whatever rows stand beside it.
class PanelProduct {
public:
  /// `stackIndices` come before the panel's when `memory` holds several matrices.
  PanelProduct(KernelBuilder &b, const PanelMatrix &matrix, mlir::ValueRange stackIndices = {})
      : b(b), matrix(matrix), stackIndices(stackIndices) {}

  using RowSource = llvm::function_ref<mlir::Value(mlir::Value row)>;
  /// Takes a vector of sums for columns `columns` of row `row`; two when interleaved, the other for the same columns of
  /// the second half.
  using Sink = llvm::function_ref<void(mlir::Value row, Columns columns, llvm::ArrayRef<mlir::Value> sums)>;

  static RowBlocks blocksOf(KernelBuilder &b, mlir::Value begin, mlir::Value end);

  /// Multiplies all rows of `blocks` with panel `panel`; row r of the product is made of row `source(r)` of `x`.
  void emit(const ProductRows &x, mlir::Value panel, const RowBlocks &blocks, RowSource source, Sink sink);
  /// The same for panels `begin` to `end`, each block of rows with all of them.
  void emitPanels(const ProductRows &x, mlir::Value begin, mlir::Value end, const RowBlocks &blocks, RowSource source,
                  Sink sink);

private:
  void emitRest(const ProductRows &x, mlir::Value panel, const RowBlocks &blocks, RowSource source, Sink sink);
  void emitTile(const ProductRows &x, mlir::Value panel, mlir::Value row, int64_t rows, RowSource source, Sink sink);
  llvm::SmallVector<mlir::Value> floatSums(mlir::Value x, mlir::Value panel, llvm::ArrayRef<mlir::Value> sources);
  void accumulate(llvm::MutableArrayRef<mlir::Value> sums, llvm::ArrayRef<mlir::Value> weights, mlir::Value x,
                  llvm::ArrayRef<mlir::Value> sources, mlir::Value k, int64_t chain);
  llvm::SmallVector<mlir::Value> loadWeights(mlir::Value panel, mlir::Value group);
  /// Hands the sums of one row to `sink`, a vector of the panel at a time.
  void emitSums(mlir::Value panel, mlir::Value row, llvm::ArrayRef<mlir::Value> sums, Sink sink);
  llvm::SmallVector<mlir::Value> pairSums(mlir::Value pairs, mlir::Value panel, llvm::ArrayRef<mlir::Value> sources);
  llvm::SmallVector<mlir::Value> addChains(llvm::ArrayRef<mlir::Value> sums, size_t rows);
  llvm::SmallVector<mlir::Value> loadPanel(mlir::Value panel, mlir::Value group);
  void emitPrefetch(mlir::Value panel, mlir::Value group, int64_t groups, size_t rows);
  bool storesPairs() const;

  KernelBuilder &b;
  PanelMatrix matrix;
  llvm::SmallVector<mlir::Value> stackIndices;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_PANELPRODUCT_H
