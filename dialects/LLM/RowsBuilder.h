//===- RowsBuilder.h - linalg over tensors of rows ------------------------===//
#ifndef YOKE_DIALECTS_LLM_ROWSBUILDER_H
#define YOKE_DIALECTS_LLM_ROWSBUILDER_H

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace yoke::llm {

/// A tensor that a loop nest reads: for each of its dimensions, the loop that indexes it.
struct Read {
  mlir::Value tensor;
  llvm::SmallVector<unsigned> loops;
};

/// Builds destination-style linalg ops whose first loop runs over the rows of one tensor; the loops after it run over
/// `columns`. Elements of type bf16 and f16 are widened to f32 where they are read, and results are narrowed once,
/// where they are written.
class RowsBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// The rows are those of `rowsOf`, its first dimension.
  RowsBuilder(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rowsOf);

  /// The element of the result from the elements read, in the order of the reads.
  using Body = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;
  /// A sum and the next term, combined.
  using Combine = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value, mlir::Value)>;

  /// A tensor of [rows, columns] with undefined elements.
  mlir::Value empty(llvm::ArrayRef<int64_t> columns, mlir::Type element);

  /// The tensor of [rows, columns] of what `body` computes.
  mlir::Value map(llvm::ArrayRef<Read> reads, llvm::ArrayRef<int64_t> columns, mlir::Type element, Body body);

  /// The same, written to the elements of `destination`.
  mlir::Value mapInto(llvm::ArrayRef<Read> reads, mlir::Value destination, Body body);

  /// What `body` computes, combined over the last loop from `init` on: one dimension less than [rows, columns].
  mlir::Value reduce(llvm::ArrayRef<Read> reads, llvm::ArrayRef<int64_t> columns, mlir::TypedAttr init, Body body,
                     Combine combine);

  /// The sum over the last loop in f32.
  mlir::Value sum(llvm::ArrayRef<Read> reads, llvm::ArrayRef<int64_t> columns, Body body);

  /// [rows, n * group] as [rows, n, group].
  mlir::Value splitColumns(mlir::Value x, int64_t group);
  /// [rows, n, group] as [rows, n * group].
  mlir::Value joinColumns(mlir::Value x);

  /// Every element of the dimensions but the last, and of that `count` elements, `stride` apart, from `offset` on.
  mlir::Value sliceLast(mlir::Value x, int64_t offset, int64_t count, int64_t stride = 1);
  /// `x` with that part of its elements replaced by `part`.
  mlir::Value insertLast(mlir::Value part, mlir::Value x, int64_t offset, int64_t stride = 1);

  /// `x` in `type`, which says more or less of its rows.
  mlir::Value castTo(mlir::Value x, mlir::Type type);

private:
  llvm::SmallVector<mlir::OpFoldResult> sizes(llvm::ArrayRef<int64_t> columns);
  mlir::Value generic(llvm::ArrayRef<Read> reads, mlir::Value init, llvm::ArrayRef<mlir::utils::IteratorType> loops,
                      llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)> body);

  mlir::OpFoldResult rows;
};

} // namespace yoke::llm

#endif // YOKE_DIALECTS_LLM_ROWSBUILDER_H
