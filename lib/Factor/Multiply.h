// Matrix products on the machine that converts a model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

namespace yoke {

/// A row-major matrix of float32.
struct FloatMatrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> data;

  FloatMatrix() = default;
  FloatMatrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), data(size_t(rows * columns)) {}
  float *row(int64_t i) { return data.data() + i * columns; }
  const float *row(int64_t i) const { return data.data() + i * columns; }
};

/// A matrix by its strides: element (i, j) is data[i * rowStride + j * columnStride].
struct MatrixView {
  const float *data;
  int64_t rows, columns, rowStride, columnStride;

  MatrixView(const FloatMatrix &matrix) : MatrixView(matrix, 0, matrix.rows) {}
  MatrixView(const FloatMatrix &matrix, int64_t begin, int64_t end)
      : data(matrix.row(begin)), rows(end - begin), columns(matrix.columns), rowStride(matrix.columns),
        columnStride(1) {}
  MatrixView(const float *data, int64_t rows, int64_t columns, int64_t rowStride, int64_t columnStride)
      : data(data), rows(rows), columns(columns), rowStride(rowStride), columnStride(columnStride) {}
  MatrixView transposed() const { return {data, columns, rows, columnStride, rowStride}; }
};

/// result = a b, or with `accumulate` result += a b. result has a.rows rows of b.columns, a.columns is b.rows.
void multiply(const MatrixView &a, const MatrixView &b, FloatMatrix &result, bool accumulate = false);

/// Calls work(begin, end) for parts of [0, count), each on a thread of its own.
void forParts(int64_t count, int64_t granularity, const std::function<void(int64_t begin, int64_t end)> &work);

/// Indices [0, count) in the order of `value`, the largest first, of equal ones the lower number.
template <class Index, class Value> std::vector<Index> rankedBy(int64_t count, Value value) {
  std::vector<Index> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), Index(0));
  std::sort(order.begin(), order.end(), [&](Index a, Index b) {
    auto left = value(a), right = value(b);
    return left > right || (left == right && a < b);
  });
  return order;
}

} // namespace yoke
