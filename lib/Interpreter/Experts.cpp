#include "Interpreter/Experts.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <tuple>

using namespace yoke;

/// The scores of the chosen experts, before normalisation.
static std::vector<double> scores(const float *logits, int64_t count, const std::vector<int32_t> &chosen,
                                  moe::Scoring scoring) {
  std::vector<double> result;
  if (scoring == moe::Scoring::sigmoid) {
    for (int32_t expert : chosen)
      result.push_back(1.0 / (1.0 + std::exp(-static_cast<double>(logits[expert]))));
    return result;
  }
  std::vector<double> among;
  if (scoring == moe::Scoring::softmax)
    among.assign(logits, logits + count);
  else
    for (int32_t expert : chosen)
      among.push_back(logits[expert]);
  double top = *std::max_element(among.begin(), among.end()), sum = 0;
  for (double logit : among)
    sum += std::exp(logit - top);
  for (int32_t expert : chosen)
    result.push_back(std::exp(static_cast<double>(logits[expert]) - top) / sum);
  return result;
}

/// The first `count` of the numbers, the largest first, of equal ones the earlier.
static std::vector<int32_t> largest(const std::vector<float> &numbers, int64_t count) {
  std::vector<int32_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return std::make_tuple(-numbers[a], a) < std::make_tuple(-numbers[b], b); });
  order.resize(static_cast<size_t>(count));
  return order;
}

constexpr float lowest = -std::numeric_limits<float>::infinity();

/// Leaves the numbers of the first groups and makes the others the lowest.
static void keepTopGroups(std::vector<float> &numbers, moe::RouteOp op) {
  auto groups = static_cast<int64_t>(op.getGroups()), size = static_cast<int64_t>(numbers.size()) / groups;
  std::vector<float> ofGroups;
  for (int64_t group = 0; group < groups; ++group) {
    std::vector<float> members(numbers.begin() + group * size, numbers.begin() + (group + 1) * size);
    std::sort(members.begin(), members.end(), std::greater<>());
    ofGroups.push_back(op.getPairs() ? members[0] + members[1] : members[0]);
  }
  std::vector<float> kept(numbers.size(), lowest);
  for (int32_t group : largest(ofGroups, static_cast<int64_t>(op.getTopGroups())))
    std::copy_n(numbers.begin() + group * size, size, kept.begin() + group * size);
  numbers = std::move(kept);
}

kernels::Routing kernels::route(const Matrix &logits, const Matrix *bias, moe::RouteOp op) {
  auto topK = static_cast<int64_t>(op.getTopK());
  Routing routing{Matrix(logits.rows, topK), {}};
  for (int64_t t = 0; t < logits.rows; ++t) {
    const float *row = logits.row(t);
    std::vector<float> ranks(row, row + logits.cols);
    if (bias)
      for (int64_t expert = 0; expert < logits.cols; ++expert)
        ranks[expert] = 1.0f / (1.0f + std::exp(-row[expert])) + bias->data[expert];
    for (float &rank : ranks)
      if (std::isnan(rank))
        rank = lowest;
    if (op.getGroups() > 1)
      keepTopGroups(ranks, op);
    std::vector<int32_t> chosen = largest(ranks, topK);

    std::vector<double> weights = scores(row, logits.cols, chosen, op.getScoring());
    double divisor = op.getNormalize() ? std::accumulate(weights.begin(), weights.end(), 1e-20) : 1.0;
    for (int64_t j = 0; j < topK; ++j)
      routing.weights.at(t, j) = static_cast<float>(weights[j] / divisor * op.getScale().convertToDouble());
    routing.experts.insert(routing.experts.end(), chosen.begin(), chosen.end());
  }
  return routing;
}

/// Matrix `index` of `count`.
static Matrix matrixOf(const Matrix &stack, int64_t index, int64_t count) {
  int64_t rows = stack.rows / count;
  return Matrix(rows, stack.cols, {stack.row(index * rows), stack.row((index + 1) * rows)});
}

Result<Matrix> kernels::experts(const Matrix &x, const Matrix &weights, const std::vector<int32_t> &choices,
                                const std::vector<const Matrix *> &stacks, int64_t count, const ExpertFunction &run) {
  int64_t topK = weights.cols;
  std::vector<std::vector<int64_t>> pairsOf(static_cast<size_t>(count));
  for (size_t pair = 0; pair < choices.size(); ++pair) {
    if (choices[pair] < 0 || choices[pair] >= count)
      return usageError("expert {} of {}", choices[pair], count);
    pairsOf[choices[pair]].push_back(static_cast<int64_t>(pair));
  }
  std::vector<std::vector<float>> made(choices.size());
  int64_t columns = 0;
  for (int64_t expert = 0; expert < count; ++expert) {
    const std::vector<int64_t> &pairs = pairsOf[expert];
    if (pairs.empty())
      continue;
    Matrix rows(static_cast<int64_t>(pairs.size()), x.cols);
    for (int64_t r = 0; r < rows.rows; ++r)
      std::copy_n(x.row(pairs[r] / topK), x.cols, rows.row(r));
    std::vector<Matrix> matrices;
    for (const Matrix *stack : stacks)
      matrices.push_back(matrixOf(*stack, expert, count));
    Matrix results = YOKE_TRY(run(std::move(rows), std::move(matrices)));
    columns = results.cols;
    for (int64_t r = 0; r < results.rows; ++r)
      made[pairs[r]].assign(results.row(r), results.row(r) + columns);
  }
  Matrix sum(x.rows, columns);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t c = 0; c < columns; ++c) {
      double total = 0;
      for (int64_t j = 0; j < topK; ++j)
        total += static_cast<double>(weights.at(t, j)) * made[t * topK + j][c];
      sum.at(t, c) = static_cast<float>(total);
    }
  return sum;
}

Matrix kernels::scaleRows(const Matrix &x, const Matrix &factors) {
  Matrix result(x.rows, x.cols);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t c = 0; c < x.cols; ++c)
      result.at(t, c) = x.at(t, c) * factors.data[t];
  return result;
}
