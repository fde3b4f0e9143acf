#include "Factor/LeastSquares.h"

#include <algorithm>
#include <cmath>

namespace yoke {
namespace {

/// The lower factor of `matrix`, in doubles; false when a pivot is not positive.
bool factorise(const FloatMatrix &matrix, double damping, std::vector<double> &lower) {
  int64_t n = matrix.rows;
  lower.assign(size_t(n * n), 0.0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double sum = matrix.row(i)[j] + (i == j ? damping : 0.0);
      const double *left = &lower[i * n], *right = &lower[j * n];
      for (int64_t k = 0; k < j; ++k)
        sum -= left[k] * right[k];
      if (i == j && !(sum > 0))
        return false;
      lower[i * n + j] = i == j ? std::sqrt(sum) : sum / lower[j * n + j];
    }
  return true;
}

} // namespace

bool solveDamped(const FloatMatrix &gram, FloatMatrix &right, double damping) {
  int64_t n = gram.rows;
  double mean = 0;
  for (int64_t i = 0; i < n; ++i)
    mean += gram.row(i)[i] / double(n);
  std::vector<double> lower;
  double added = std::max(damping * mean, 1e-30);
  for (int attempt = 0; !factorise(gram, added, lower); ++attempt, added *= 10)
    if (attempt == 20)
      return false;
  forParts(right.columns, 16, [&](int64_t begin, int64_t end) {
    std::vector<double> x(static_cast<size_t>(n));
    for (int64_t c = begin; c < end; ++c) {
      for (int64_t i = 0; i < n; ++i) {
        double sum = right.row(i)[c];
        for (int64_t k = 0; k < i; ++k)
          sum -= lower[i * n + k] * x[k];
        x[i] = sum / lower[i * n + i];
      }
      for (int64_t i = n - 1; i >= 0; --i) {
        double sum = x[i];
        for (int64_t k = i + 1; k < n; ++k)
          sum -= lower[k * n + i] * x[k];
        x[i] = sum / lower[i * n + i];
        right.row(i)[c] = static_cast<float>(x[i]);
      }
    }
  });
  return true;
}

} // namespace yoke
