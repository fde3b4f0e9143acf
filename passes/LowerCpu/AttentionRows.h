//===- AttentionRows.h - scores, exponentials and sums of some rows -------===//
#ifndef YOKE_PASSES_LOWERCPU_ATTENTIONROWS_H
#define YOKE_PASSES_LOWERCPU_ATTENTIONROWS_H

#include "LowerCpu/AttentionPlaces.h"

namespace yoke {

/// Rows of attention, pairs of a token and a query head, in a thread's scratch memory. A row goes over the places that
/// it sees chunk by chunk, counted from the sequence's start, and keeps the largest score, sums of the exponentials and
/// the weighted sum of the values so far (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
/// Every `segmentChunks` chunks it starts anew; the states of segments are put together in their order.
class AttentionRows {
public:
  AttentionRows(KernelBuilder &b, Kernel &kernel, llm::AttentionOp op, const AttentionSizes &sizes,
                AttentionPlaces &places);

  /// Some rows of the scratch memory.
  struct Rows {
    mlir::Value first;
    int64_t count;
  };

  /// A key/value head of a token's sequence and what of it is seen.
  struct Source {
    mlir::Value token, head;
    AttentionPlaces::Visible seen;
    /// Every place of the chunks in question is seen.
    bool isWhole;
  };

  /// A row's state: the memref that holds it, and its row there.
  struct State {
    mlir::Value memory, row;
  };

  /// memref<rows, paddedDim>, the queries times the scale.
  mlir::Value query;

  mlir::Value rowOf(Rows rows, int64_t r) { return b.add(rows.first, b.index(r)); }
  /// The state of the segment that row `row` is in, and of those before it.
  State current(mlir::Value row) { return {state, row}; }
  State before(mlir::Value row) { return {earlier, row}; }

  void clear(State to);
  void copy(State from, State to);
  /// Puts the state of a segment behind those in `to`.
  void fold(State from, State to);
  /// Writes the weighted sum divided by the sum of the weights to columns from `column` on.
  void finish(State from, mlir::Value token, mlir::Value column);

  /// Takes a chunk into the rows' states; the first chunk of a segment folds what was there into the states before.
  void attendChunk(const Source &source, Rows rows, mlir::Value chunk);

private:
  void emitScores(const Source &source, Rows rows, mlir::Value page, mlir::Value column);
  mlir::Value seenLanes(mlir::Value place, const AttentionPlaces::Visible &visible);
  llvm::SmallVector<mlir::Value> emitExponentials(Rows rows, mlir::Value begin, mlir::Value end);
  void addValues(const Source &source, Rows rows, mlir::Value begin, mlir::Value end,
                 llvm::ArrayRef<mlir::Value> correction, llvm::function_ref<mlir::Value(mlir::Value)> columnOf);
  Columns totals() { return {b.index(sizes.totalsColumn()), {}}; }
  llvm::SmallVector<mlir::Value> largestOf(mlir::Value row) { return {row, b.index(sizes.largestColumn())}; }

  KernelBuilder &b;
  Kernel &kernel;
  llm::AttentionOp op;
  const AttentionSizes &sizes;
  AttentionPlaces &places;
  mlir::Value state, earlier, scores, changes;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ATTENTIONROWS_H
