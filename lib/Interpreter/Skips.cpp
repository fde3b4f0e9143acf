#include "Interpreter/Skips.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace yoke;

static double cosine(const float *x, const float *y, int64_t size) {
  double dot = 0, xx = 0, yy = 0;
  for (int64_t i = 0; i < size; ++i) {
    dot += static_cast<double>(x[i]) * y[i];
    xx += static_cast<double>(x[i]) * x[i];
    yy += static_cast<double>(y[i]) * y[i];
  }
  // Of a row of zeros as the comparison dot >= tau * norms has it.
  return xx * yy > 0 ? dot / std::sqrt(xx * yy) : std::numeric_limits<double>::infinity();
}

Result<kernels::SkippedRows> kernels::ffnSkip(const Matrix &x, const std::vector<int32_t> *skips,
                                              const std::vector<int32_t> &positions, const SkipPolicy &policy,
                                              const FeedForwardFunction &feedForward) {
  std::vector<int64_t> active;
  for (int64_t t = 0; t < x.rows; ++t)
    if (!skips || (*skips)[t] == 0)
      active.push_back(t);
  SkippedRows result{x, skips ? *skips : std::vector<int32_t>(static_cast<size_t>(x.rows))};
  for (int32_t &left : result.remaining)
    left = std::max(left - 1, 0);
  if (active.empty())
    return result;

  Matrix rows(static_cast<int64_t>(active.size()), x.cols);
  for (int64_t r = 0; r < rows.rows; ++r)
    std::copy_n(x.row(active[r]), x.cols, rows.row(r));
  Matrix delta = YOKE_TRY(feedForward(rows));
  for (int64_t r = 0; r < rows.rows; ++r) {
    float *y = result.rows.row(active[r]);
    for (int64_t c = 0; c < x.cols; ++c)
      y[c] += delta.at(r, c);
    if (positions[active[r]] >= policy.warmUp && cosine(rows.row(r), y, x.cols) >= policy.tau)
      result.remaining[active[r]] = policy.k;
  }
  return result;
}
