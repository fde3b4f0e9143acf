//===- QuantizedRows.h - rows of activations as integers ------------------===//
#ifndef YOKE_PASSES_LOWERCPU_QUANTIZEDROWS_H
#define YOKE_PASSES_LOWERCPU_QUANTIZEDROWS_H

#include "LLM/LLM.h"
#include "LowerCpu/KernelBuilder.h"

namespace yoke {

/// Rows whose blocks of 32 columns are integers times a step.
struct QuantizedRows {
  /// memref<?xNxi32>. Where the target multiplies bytes in fours, a word holds four integers of i8. Otherwise two of
  /// i16: columns 0 and 2 of four, then 1 and 3, as the bytes of weights fall apart into words.
  mlir::Value words;
  mlir::Value steps; ///< memref<?xBxf32>, one a block
  /// memref<?xBxi32>: the sum of a block's integers, times minus the zero point when all weights have the same.
  mlir::Value sums;
  bool inBytes = false;
};

/// Rows of activations as a matrix multiplies them; one of the members is set.
struct ProductRows {
  mlir::Value values = {};     ///< memref<?xKxf32>
  mlir::Value pairs = {};      ///< memref<?xNxi32>, two bfloat16 a word, where the target multiplies such pairs
  QuantizedRows integers = {}; ///< for a quantised matrix
};

/// Rounds rows as the `x_type` of a projection says, for weights of a type.
class RowRounder {
public:
  RowRounder(KernelBuilder &b, mlir::Type weightElement, mlir::Type rowElement, int64_t inputs);

  /// False when rows are multiplied as they are.
  bool isNeeded() const { return rowElement != nullptr; }
  /// Workspace that a row of `inputs` columns needs on any target when it is rounded.
  static int64_t bytesPerRow(int64_t inputs);

  /// Places `rows` rows in `workspace` from byte `start` on, which moves on behind them.
  ProductRows place(mlir::Value workspace, mlir::Value &start, mlir::Value rows);

  /// Row `row` of `target` from row `from` of the float32 rows `source`.
  void emitRow(mlir::Value source, mlir::Value from, const ProductRows &target, mlir::Value row);

private:
  void emitBFloat16(mlir::Value source, mlir::Value from, const ProductRows &target, mlir::Value row);
  void emitIntegers(mlir::Value source, mlir::Value from, const QuantizedRows &target, mlir::Value row);
  void emitBlock(llvm::ArrayRef<mlir::Value> vectors, const QuantizedRows &target, mlir::Value row, mlir::Value block);
  void storeWords(mlir::Value integers, const QuantizedRows &target, mlir::Value row, mlir::Value first);
  int64_t blocks() const;
  /// Words of a block.
  int64_t words() const { return inBytes ? 8 : 16; }

  KernelBuilder &b;
  llm::QuantType quant; ///< null: weights and rows are bfloat16
  mlir::Type rowElement;
  double largest;
  bool inBytes;
  int64_t inputs;
};

/// The bits of the nearest bfloat16, ties to even, of each float32 as an i32.
mlir::Value bitsOfBFloat16(KernelBuilder &b, mlir::Value vector);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_QUANTIZEDROWS_H
