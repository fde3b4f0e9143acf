//===- BestColumns.h - the best columns of rows that are never written ----===//
#ifndef YOKE_PASSES_LOWERCPU_BESTCOLUMNS_H
#define YOKE_PASSES_LOWERCPU_BESTCOLUMNS_H

#include "LowerCpu/KernelBuilder.h"

namespace yoke {

/// Code for `decode.top_k` behind a product: every thread keeps a list of the best columns of each row among those that
/// it computes, and the threads merge their lists at the end. Threads own ascending runs of columns, so that of equal
/// values the one of the lowest column is found first and stays.
class BestColumns {
public:
  /// Bytes of the threads' lists for one row.
  static int64_t bytesPerRow(int64_t k);

  /// `workspace`: bytes shared by the team, of which `offset` on are the lists'; `rows`: of the product.
  BestColumns(KernelBuilder &b, int64_t k, mlir::Value workspace, mlir::Value offset, mlir::Value rows);

  /// Empties this thread's lists.
  void clear();
  /// Columns `place` of row `row` hold `vector`; to be called in ascending order of columns.
  void add(mlir::Value row, Columns place, mlir::Value vector);
  /// All threads together write the best columns to memref<?xkxf32> `values` and memref<?xi32> `ids`.
  void merge(mlir::Value values, mlir::Value ids);

private:
  /// Elements of a list: in `lists` as floats, in `numbers` as integers.
  struct Entry {
    mlir::Value value, id;
  };
  mlir::Value at(mlir::Value thread, mlir::Value row, mlir::Value index);
  /// Puts an entry where it belongs among the entries from `first` on; the last one falls out.
  void insert(mlir::Value values, mlir::Value ids, mlir::Value first, Entry entry);

  KernelBuilder &b;
  int64_t k;
  mlir::Value rows, lists, numbers;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_BESTCOLUMNS_H
