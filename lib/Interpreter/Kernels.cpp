#include "Interpreter/Kernels.h"

#include <algorithm>
#include <cmath>

using namespace yoke;
using namespace yoke::llm;

Result<Matrix> kernels::embedding(const std::vector<int32_t> &ids, const Matrix &table, int64_t offset) {
  Matrix result(static_cast<int64_t>(ids.size()), table.cols);
  for (int64_t t = 0; t < result.rows; ++t) {
    int64_t row = ids[t] + offset;
    if (row < 0 || row >= table.rows)
      return usageError("id {} with offset {} is outside the table of {} rows", ids[t], offset, table.rows);
    std::copy_n(table.row(row), table.cols, result.row(t));
  }
  return result;
}

Matrix kernels::ropeTable(const std::vector<int32_t> &positions, RopeAttr rope) {
  bool isLong = !rope.getLongFrequencies().empty() &&
                std::any_of(positions.begin(), positions.end(), [&](int32_t p) { return p >= rope.getLongFrom(); });
  llvm::ArrayRef<float> frequencies = (isLong ? rope.getLongFrequencies() : rope.getFrequencies()).asArrayRef();
  double magnitude = (isLong ? rope.getLongMagnitude() : rope.getMagnitude()).convertToDouble();
  auto pairs = static_cast<int64_t>(frequencies.size());
  Matrix table(static_cast<int64_t>(positions.size()), 2 * pairs);
  for (int64_t t = 0; t < table.rows; ++t)
    for (int64_t i = 0; i < pairs; ++i) {
      float angle = static_cast<float>(positions[t]) * frequencies[i];
      table.at(t, i) = static_cast<float>(std::cos(static_cast<double>(angle)) * magnitude);
      table.at(t, pairs + i) = static_cast<float>(std::sin(static_cast<double>(angle)) * magnitude);
    }
  return table;
}

Matrix kernels::headLinear(const Matrix &x, const Matrix &weight, int64_t heads, int64_t first) {
  int64_t outputs = weight.rows / heads, width = x.cols / heads;
  Matrix result(x.rows, weight.rows);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t row = 0; row < weight.rows; ++row) {
      const float *input = x.row(t) + row / outputs * width + first;
      double sum = 0;
      for (int64_t k = 0; k < weight.cols; ++k)
        sum += static_cast<double>(input[k]) * weight.at(row, k);
      result.at(t, row) = static_cast<float>(sum);
    }
  return result;
}

Matrix kernels::concatHeads(const Matrix &a, const Matrix &b, int64_t heads) {
  Matrix result(a.rows, a.cols + b.cols);
  int64_t widthA = a.cols / heads, widthB = b.cols / heads;
  for (int64_t t = 0; t < a.rows; ++t)
    for (int64_t head = 0; head < heads; ++head) {
      float *target = result.row(t) + head * (widthA + widthB);
      std::copy_n(a.row(t) + head * widthA, widthA, target);
      std::copy_n(b.row(t) + head * widthB, widthB, target + widthA);
    }
  return result;
}

Matrix kernels::linear(const Matrix &x, const Matrix &weight, const Matrix *bias) {
  Matrix result(x.rows, weight.rows);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t n = 0; n < weight.rows; ++n) {
      const float *a = x.row(t), *b = weight.row(n);
      double sum = bias ? bias->data[n] : 0.0;
      for (int64_t k = 0; k < x.cols; ++k)
        sum += static_cast<double>(a[k]) * b[k];
      result.at(t, n) = static_cast<float>(sum);
    }
  return result;
}

Matrix kernels::rmsNorm(const Matrix &x, const Matrix &scale, double epsilon, double scaleOffset) {
  Matrix result(x.rows, x.cols);
  int64_t group = scale.rows;
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t begin = 0; begin < x.cols; begin += group) {
      double squares = 0;
      for (int64_t i = 0; i < group; ++i)
        squares += static_cast<double>(x.at(t, begin + i)) * x.at(t, begin + i);
      double factor = 1.0 / std::sqrt(squares / static_cast<double>(group) + epsilon);
      for (int64_t i = 0; i < group; ++i)
        result.at(t, begin + i) = static_cast<float>(x.at(t, begin + i) * factor * (scale.data[i] + scaleOffset));
    }
  return result;
}

Matrix kernels::layerNorm(const Matrix &x, const Matrix &scale, const Matrix *bias, double epsilon) {
  Matrix result(x.rows, x.cols);
  for (int64_t t = 0; t < x.rows; ++t) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < x.cols; ++i)
      sum += x.at(t, i);
    double mean = sum / static_cast<double>(x.cols);
    for (int64_t i = 0; i < x.cols; ++i)
      squares += (x.at(t, i) - mean) * (x.at(t, i) - mean);
    double factor = 1.0 / std::sqrt(squares / static_cast<double>(x.cols) + epsilon);
    for (int64_t i = 0; i < x.cols; ++i)
      result.at(t, i) =
          static_cast<float>((x.at(t, i) - mean) * factor * scale.data[i] + (bias ? bias->data[i] : 0.0f));
  }
  return result;
}

static double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

static double activate(ActivationKind kind, double x) {
  switch (kind) {
  case ActivationKind::silu:
    return x * sigmoid(x);
  case ActivationKind::gelu:
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  case ActivationKind::gelu_tanh:
    return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case ActivationKind::gelu_quick:
    return x * sigmoid(1.702 * x);
  case ActivationKind::relu:
    return std::max(x, 0.0);
  case ActivationKind::relu_squared:
    return std::max(x, 0.0) * std::max(x, 0.0);
  case ActivationKind::tanh:
    return std::tanh(x);
  case ActivationKind::sigmoid:
    return sigmoid(x);
  }
  return NAN;
}

template <typename Function> static Matrix mapElements(const Matrix &x, Function function) {
  Matrix result = x;
  for (float &value : result.data)
    value = static_cast<float>(function(value));
  return result;
}

Matrix kernels::activation(ActivationKind kind, const Matrix &x) {
  return mapElements(x, [&](float value) { return activate(kind, value); });
}

Matrix kernels::gated(ActivationKind kind, const Matrix &gate, const Matrix &up) {
  Matrix result(gate.rows, gate.cols);
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = static_cast<float>(activate(kind, gate.data[i]) * up.data[i]);
  return result;
}

Matrix kernels::scale(const Matrix &x, float factor) {
  return mapElements(x, [&](float value) { return value * factor; });
}

Matrix kernels::softcap(const Matrix &x, double cap) {
  return mapElements(x, [&](float value) { return cap * std::tanh(value / cap); });
}

Matrix kernels::bias(const Matrix &x, const Matrix &vector) {
  Matrix result = x;
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < x.cols; ++i)
      result.at(t, i) += vector.data[i];
  return result;
}

Matrix kernels::rope(const Matrix &x, const Matrix &table, int64_t headDim, RopeStyle style) {
  Matrix result = x;
  int64_t pairs = table.cols / 2;
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t head = 0; head < x.cols; head += headDim)
      for (int64_t i = 0; i < pairs; ++i) {
        int64_t first = head + (style == RopeStyle::half ? i : 2 * i);
        int64_t second = head + (style == RopeStyle::half ? i + pairs : 2 * i + 1);
        double cosine = table.at(t, i), sine = table.at(t, pairs + i);
        result.at(t, first) = static_cast<float>(x.at(t, first) * cosine - x.at(t, second) * sine);
        result.at(t, second) = static_cast<float>(x.at(t, second) * cosine + x.at(t, first) * sine);
      }
  return result;
}

Matrix kernels::gatherRows(const Matrix &x, const std::vector<int32_t> &rows) {
  Matrix result(static_cast<int64_t>(rows.size()), x.cols);
  for (int64_t r = 0; r < result.rows; ++r)
    std::copy_n(x.row(rows[r]), x.cols, result.row(r));
  return result;
}

Matrix kernels::pool(PoolKind kind, const Matrix &x, const Batch &batch, bool normalize) {
  Matrix result(static_cast<int64_t>(batch.outputs.size()), x.cols);
  for (int64_t r = 0; r < result.rows; ++r) {
    int64_t begin = batch.outputs[r], end = begin;
    while (end < batch.size() && batch.sequences[end] == batch.sequences[begin])
      ++end;
    std::vector<double> row(static_cast<size_t>(x.cols));
    double squares = 0;
    for (int64_t i = 0; i < x.cols; ++i) {
      if (kind == PoolKind::mean) {
        for (int64_t t = begin; t < end; ++t)
          row[i] += x.at(t, i);
        row[i] /= static_cast<double>(end - begin);
      } else {
        row[i] = x.at(kind == PoolKind::first ? begin : end - 1, i);
      }
      squares += row[i] * row[i];
    }
    double divisor = normalize ? std::max(std::sqrt(squares), 1e-12) : 1.0;
    for (int64_t i = 0; i < x.cols; ++i)
      result.at(r, i) = static_cast<float>(row[i] / divisor);
  }
  return result;
}
