#include "Factor/Multiply.h"

#include <algorithm>
#include <thread>

namespace yoke {
namespace {

constexpr int64_t tileRows = 6, tileColumns = 32, blockDepth = 256;

typedef float Lanes __attribute__((vector_size(64), aligned(4)));
constexpr int64_t lanes = 16;

/// A tile of `depth` products added to `out`: left is packed [depth][tileRows], right [depth][tileColumns].
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) void
addTile(const float *left, const float *right, int64_t depth, float *out) {
  Lanes sums[tileRows][2] = {};
  for (int64_t k = 0; k < depth; ++k, left += tileRows, right += tileColumns) {
    Lanes first = *reinterpret_cast<const Lanes *>(right), second = *reinterpret_cast<const Lanes *>(right + lanes);
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < tileRows; ++i) {
      sums[i][0] += left[i] * first;
      sums[i][1] += left[i] * second;
    }
  }
#pragma clang loop unroll(full)
  for (int64_t i = 0; i < tileRows; ++i) {
    Lanes *row = reinterpret_cast<Lanes *>(out + i * tileColumns);
    row[0] += sums[i][0];
    row[1] += sums[i][1];
  }
}

/// Runs of `tile` columns of `matrix`, its rows [begin, end) one after another; zeros past the last column.
void pack(const MatrixView &matrix, int64_t begin, int64_t end, int64_t tile, std::vector<float> &packed) {
  int64_t tiles = (matrix.columns + tile - 1) / tile;
  packed.resize(size_t(tiles * tile * (end - begin)));
  float *out = packed.data();
  for (int64_t first = 0; first < matrix.columns; first += tile) {
    int64_t count = std::min(tile, matrix.columns - first);
    for (int64_t k = begin; k < end; ++k, out += tile) {
      const float *in = matrix.data + k * matrix.rowStride + first * matrix.columnStride;
      for (int64_t j = 0; j < count; ++j)
        out[j] = in[j * matrix.columnStride];
      std::fill(out + count, out + tile, 0.0f);
    }
  }
}

/// Rows [begin, end) of the product added to `result`.
void addRows(const MatrixView &a, const MatrixView &b, FloatMatrix &result, int64_t begin, int64_t end) {
  MatrixView left(a.data + begin * a.rowStride, end - begin, a.columns, a.rowStride, a.columnStride);
  std::vector<float> packedLeft, packedRight;
  alignas(64) float tile[tileRows * tileColumns];
  for (int64_t k = 0; k < b.rows; k += blockDepth) {
    int64_t depth = std::min(blockDepth, b.rows - k);
    pack(left.transposed(), k, k + depth, tileRows, packedLeft);
    pack(b, k, k + depth, tileColumns, packedRight);
    for (int64_t column = 0; column < b.columns; column += tileColumns)
      for (int64_t row = 0; row < left.rows; row += tileRows) {
        std::fill(std::begin(tile), std::end(tile), 0.0f);
        addTile(packedLeft.data() + row * depth, packedRight.data() + column * depth, depth, tile);
        int64_t rows = std::min(tileRows, left.rows - row), columns = std::min(tileColumns, b.columns - column);
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < columns; ++j)
            result.row(begin + row + i)[column + j] += tile[i * tileColumns + j];
      }
  }
}

} // namespace

void forParts(int64_t count, int64_t granularity, const std::function<void(int64_t, int64_t)> &work) {
  int64_t most = std::max(1u, std::thread::hardware_concurrency());
  int64_t units = (count + granularity - 1) / granularity, parts = std::clamp<int64_t>(units, 1, most);
  auto bound = [&](int64_t part) { return std::min(count, units * part / parts * granularity); };
  std::vector<std::thread> helpers;
  for (int64_t part = 1; part < parts; ++part)
    helpers.emplace_back([&, part] { work(bound(part), bound(part + 1)); });
  work(0, bound(1));
  for (std::thread &helper : helpers)
    helper.join();
}

void multiply(const MatrixView &a, const MatrixView &b, FloatMatrix &result, bool accumulate) {
  if (!accumulate)
    std::fill(result.data.begin(), result.data.end(), 0.0f);
  forParts(a.rows, 16 * tileRows, [&](int64_t begin, int64_t end) { addRows(a, b, result, begin, end); });
}

} // namespace yoke
