#include "Factor/LayerFit.h"

#include "Factor/ExpertFit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace yoke {
namespace {

constexpr int64_t sampleRows = 4096;

/// At most `sampleRows` rows of x, evenly spaced.
FloatMatrix sampleOf(const FloatMatrix &x) {
  int64_t rows = std::min(sampleRows, x.rows);
  FloatMatrix sample(rows, x.columns);
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(x.row(i * x.rows / rows), x.columns, sample.row(i));
  return sample;
}

/// Squared norms of down's columns.
std::vector<float> columnPower(const FloatMatrix &down) {
  std::vector<float> power(size_t(down.columns));
  for (int64_t row = 0; row < down.rows; ++row)
    for (int64_t n = 0; n < down.columns; ++n)
      power[n] += down.row(row)[n] * down.row(row)[n];
  return power;
}

GatedBlock reordered(const GatedBlock &block, const std::vector<int32_t> &order) {
  GatedBlock result{FloatMatrix(block.inner(), block.hidden()), FloatMatrix(block.inner(), block.hidden()),
                    FloatMatrix(block.hidden(), block.inner())};
  for (int64_t i = 0; i < block.inner(); ++i) {
    std::copy_n(block.gate.row(order[i]), block.hidden(), result.gate.row(i));
    std::copy_n(block.up.row(order[i]), block.hidden(), result.up.row(i));
    for (int64_t row = 0; row < block.hidden(); ++row)
      result.down.row(row)[i] = block.down.row(row)[order[i]];
  }
  return result;
}

/// The largest difference between the block and the sum of its parts, relative to the block's largest value; not a
/// number when the block gives any that is not finite.
double sumError(const GatedBlock &block, const LayerExperts &layer, const FloatMatrix &x) {
  FloatMatrix whole(x.rows, block.hidden()), sum(whole);
  multiply(innerRows(block, x, 0, x.rows), MatrixView(block.down).transposed(), whole);
  FloatMatrix inner = innerRows(layer.block, x, 0, x.rows);
  auto add = [&](int64_t first, int64_t count) {
    MatrixView activations(inner.data.data() + first, x.rows, count, inner.columns, 1);
    MatrixView columns(layer.block.down.data.data() + first, block.hidden(), count, block.inner(), 1);
    multiply(activations, columns.transposed(), sum, /*accumulate=*/true);
  };
  add(0, layer.split.shared);
  for (int64_t e = 0; e < layer.split.experts; ++e)
    add(layer.split.begin(e), layer.split.expertInner);
  float largest = 0, difference = 0;
  for (size_t i = 0; i < sum.data.size(); ++i) {
    if (!std::isfinite(whole.data[i]))
      return std::numeric_limits<double>::quiet_NaN();
    largest = std::max(largest, std::abs(whole.data[i]));
    difference = std::max(difference, std::abs(whole.data[i] - sum.data[i]));
  }
  return largest > 0 ? double(difference) / largest : double(difference);
}

} // namespace

Result<LayerExperts> fitLayer(const GatedBlock &block, const FloatMatrix &x, const FloatMatrix &target,
                              const FitOptions &options, LayerReport &report) {
  FloatMatrix sample = sampleOf(x);
  LayerExperts layer;
  layer.split = splitNeurons(innerRows(block, sample, 0, sample.rows), columnPower(block.down), options.shared,
                             options.experts, options.split);
  layer.block = reordered(block, layer.split.order);
  layer.router = FloatMatrix(options.experts, block.hidden());
  report = {};
  report.sumError = sumError(block, layer, sample);
  if (!std::isfinite(report.sumError))
    return failed("the activations of a layer are not finite");
  ExpertFit fit(layer, x, target, options.topK);
  if (options.topK == options.experts) {
    report.splitError = report.error = fit.error();
    return layer;
  }
  for (int64_t round = 0; round < options.rounds; ++round) {
    ExpertChoices best = fit.bestChoices();
    layer.router = fitRouter(x, best, options.experts);
    report.routerAccuracy = routerAccuracy(x, layer.router, best);
    if (round == 0)
      report.splitError = fit.error();
    if (options.refitsDown)
      YOKE_TRY(fit.refitDown());
    fit.descend(options.epochs);
  }
  report.error = fit.error();
  return layer;
}

} // namespace yoke
