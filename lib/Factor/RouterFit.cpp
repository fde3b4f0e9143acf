#include "Factor/RouterFit.h"

#include "Factor/Adam.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace yoke {
namespace {

constexpr int64_t batchRows = 2048, fitSteps = 300;
constexpr double fitRate = 0.05;

/// Divides `values` by their sum after raising e to them.
void softmax(std::vector<float> &values) {
  float top = *std::max_element(values.begin(), values.end()), sum = 0;
  for (float &value : values)
    sum += value = std::exp(value - top);
  for (float &value : values)
    value /= sum;
}

FloatMatrix logitsOf(const FloatMatrix &x, const FloatMatrix &router, int64_t begin, int64_t end) {
  FloatMatrix logits(end - begin, router.rows);
  multiply(MatrixView(x, begin, end), MatrixView(router).transposed(), logits);
  return logits;
}

void limitLogits(const FloatMatrix &x, FloatMatrix &router) {
  float largest = 0;
  for (int64_t begin = 0; begin < x.rows; begin += batchRows)
    for (float logit : logitsOf(x, router, begin, std::min(begin + batchRows, x.rows)).data)
      largest = std::max(largest, std::abs(logit));
  // A power of two: rounding the router afterwards loses nothing more.
  if (largest > 0)
    for (float &element : router.data)
      element = std::ldexp(element, std::ilogb(largestLogit / largest));
}

} // namespace

FloatMatrix fitRouter(const FloatMatrix &x, const ExpertChoices &wanted, int64_t experts) {
  FloatMatrix router(experts, x.columns), gradient(experts, x.columns);
  Adam adam(router.data.size());
  std::mt19937_64 random(1);
  int64_t rows = std::min(batchRows, x.rows);
  FloatMatrix batch(rows, x.columns);
  std::vector<int64_t> chosen(static_cast<size_t>(rows));
  for (int64_t step = 0; step < fitSteps; ++step) {
    for (int64_t i = 0; i < rows; ++i) {
      chosen[i] = static_cast<int64_t>(random() % uint64_t(x.rows));
      std::copy_n(x.row(chosen[i]), x.columns, batch.row(i));
    }
    FloatMatrix error = logitsOf(batch, router, 0, rows);
    for (int64_t i = 0; i < rows; ++i) {
      std::vector<float> chances(error.row(i), error.row(i) + experts);
      softmax(chances);
      for (int64_t j = 0; j < wanted.topK; ++j)
        chances[wanted.of(chosen[i])[j]] -= 1.0f / static_cast<float>(wanted.topK);
      for (int64_t e = 0; e < experts; ++e)
        error.row(i)[e] = chances[e] / static_cast<float>(rows);
    }
    multiply(MatrixView(error).transposed(), batch, gradient);
    adam.step(router.data, gradient.data, fitRate * double(fitSteps - step) / fitSteps);
  }
  limitLogits(x, router);
  return router;
}

void routeRows(const FloatMatrix &x, const FloatMatrix &router, int64_t topK, int64_t begin, int64_t end,
               FloatMatrix &factors) {
  FloatMatrix logits = logitsOf(x, router, begin, end);
  std::fill(factors.data.begin(), factors.data.end(), 0.0f);
  for (int64_t i = 0; i < end - begin; ++i) {
    std::vector<int32_t> chosen = rankedBy<int32_t>(router.rows, [&](int32_t e) { return logits.row(i)[e]; });
    chosen.resize(size_t(topK));
    std::vector<float> weights;
    for (int32_t expert : chosen)
      weights.push_back(logits.row(i)[expert]);
    softmax(weights);
    for (int64_t j = 0; j < topK; ++j)
      factors.row(i)[chosen[j]] = static_cast<float>(topK) * weights[j];
  }
}

double routerAccuracy(const FloatMatrix &x, const FloatMatrix &router, const ExpertChoices &wanted) {
  int64_t hits = 0;
  for (int64_t begin = 0; begin < x.rows; begin += batchRows) {
    int64_t end = std::min(begin + batchRows, x.rows);
    FloatMatrix factors(end - begin, router.rows);
    routeRows(x, router, wanted.topK, begin, end, factors);
    for (int64_t t = begin; t < end; ++t)
      for (int64_t j = 0; j < wanted.topK; ++j)
        hits += factors.row(t - begin)[wanted.of(t)[j]] > 0;
  }
  return double(hits) / double(wanted.experts.size());
}

} // namespace yoke
