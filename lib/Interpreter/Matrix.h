// The one data type of the reference interpreter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace yoke {

/// `rows` x `cols` floats, row-major. A vector of N elements has N rows and one column; stacked matrices lie one below
/// the other.
struct Matrix {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<float> data;

  Matrix() = default;
  Matrix(int64_t rows, int64_t cols) : rows(rows), cols(cols), data(static_cast<std::size_t>(rows * cols)) {}
  Matrix(int64_t rows, int64_t cols, std::vector<float> data) : rows(rows), cols(cols), data(std::move(data)) {}

  float *row(int64_t r) { return data.data() + r * cols; }
  const float *row(int64_t r) const { return data.data() + r * cols; }
  float &at(int64_t r, int64_t c) { return data[static_cast<std::size_t>(r * cols + c)]; }
  float at(int64_t r, int64_t c) const { return data[static_cast<std::size_t>(r * cols + c)]; }
};

} // namespace yoke
