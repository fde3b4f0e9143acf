#include "Factor/NeuronSplit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace yoke {
namespace {

constexpr int rounds = 12;

/// Neurons by their mean squared contribution, the largest first.
std::vector<int32_t> byContribution(const FloatMatrix &activations, const std::vector<float> &weights) {
  std::vector<double> power(size_t(activations.columns));
  for (int64_t t = 0; t < activations.rows; ++t)
    for (int64_t n = 0; n < activations.columns; ++n)
      power[n] += double(activations.row(t)[n]) * activations.row(t)[n];
  return rankedBy<int32_t>(activations.columns, [&](int32_t n) { return power[n] * weights[n]; });
}

void normalise(float *row, int64_t count) {
  double power = std::inner_product(row, row + count, row, 0.0);
  float factor = power > 0 ? static_cast<float>(1 / std::sqrt(power)) : 0.0f;
  for (int64_t i = 0; i < count; ++i)
    row[i] *= factor;
}

/// Magnitudes of each of `neurons` over the tokens, as rows of length one.
FloatMatrix profiles(const FloatMatrix &activations, const std::vector<int32_t> &neurons) {
  FloatMatrix rows(static_cast<int64_t>(neurons.size()), activations.rows);
  for (int64_t i = 0; i < rows.rows; ++i) {
    for (int64_t t = 0; t < activations.rows; ++t)
      rows.row(i)[t] = std::abs(activations.row(t)[neurons[i]]);
    normalise(rows.row(i), rows.columns);
  }
  return rows;
}

/// The cluster of each row: equal sizes, rows that lose most by a second choice choose first.
std::vector<int64_t> assignEvenly(const FloatMatrix &likeness, int64_t size) {
  int64_t clusters = likeness.columns;
  std::vector<std::vector<int64_t>> choices;
  std::vector<float> regret;
  for (int64_t row = 0; row < likeness.rows; ++row) {
    const float *values = likeness.row(row);
    std::vector<int64_t> order = rankedBy<int64_t>(clusters, [&](int64_t c) { return values[c]; });
    regret.push_back(clusters > 1 ? values[order[0]] - values[order[1]] : 0.0f);
    choices.push_back(std::move(order));
  }
  std::vector<int64_t> counts(size_t(clusters), 0), cluster(size_t(likeness.rows), 0);
  for (int64_t row : rankedBy<int64_t>(likeness.rows, [&](int64_t r) { return regret[r]; }))
    for (int64_t choice : choices[row])
      if (counts[choice] < size) {
        cluster[row] = choice;
        ++counts[choice];
        break;
      }
  return cluster;
}

/// Rows that lie far from each other: the first, then always the one least like those before it.
FloatMatrix farApart(const FloatMatrix &rows, int64_t count) {
  FloatMatrix centres(count, rows.columns);
  std::vector<float> likest(size_t(rows.rows), -2.0f);
  int64_t next = 0;
  for (int64_t c = 0; c < count; ++c) {
    std::copy_n(rows.row(next), rows.columns, centres.row(c));
    for (int64_t i = 0; i < rows.rows; ++i)
      likest[i] =
          std::max(likest[i], std::inner_product(rows.row(i), rows.row(i) + rows.columns, centres.row(c), 0.0f));
    next = std::min_element(likest.begin(), likest.end()) - likest.begin();
  }
  return centres;
}

std::vector<int64_t> clusterEvenly(const FloatMatrix &rows, int64_t count) {
  FloatMatrix centres = farApart(rows, count), likeness(rows.rows, count);
  std::vector<int64_t> cluster;
  for (int round = 0; round < rounds; ++round) {
    multiply(rows, MatrixView(centres).transposed(), likeness);
    std::vector<int64_t> before = std::exchange(cluster, assignEvenly(likeness, rows.rows / count));
    if (cluster == before)
      break;
    std::fill(centres.data.begin(), centres.data.end(), 0.0f);
    for (int64_t i = 0; i < rows.rows; ++i)
      std::transform(rows.row(i), rows.row(i) + rows.columns, centres.row(cluster[i]), centres.row(cluster[i]),
                     std::plus<>());
    for (int64_t c = 0; c < count; ++c)
      normalise(centres.row(c), centres.columns);
  }
  return cluster;
}

} // namespace

NeuronSplit splitNeurons(const FloatMatrix &activations, const std::vector<float> &weights, int64_t shared,
                         int64_t experts, SplitKind kind) {
  std::vector<int32_t> ranked = byContribution(activations, weights);
  NeuronSplit split{{}, shared, experts, (activations.columns - shared) / experts};
  split.order.assign(ranked.begin(), ranked.begin() + shared);
  std::sort(split.order.begin(), split.order.end());
  std::vector<int32_t> rest(ranked.begin() + shared, ranked.end());
  std::sort(rest.begin(), rest.end());
  if (kind == SplitKind::Contiguous) {
    split.order.insert(split.order.end(), rest.begin(), rest.end());
    return split;
  }
  std::vector<int64_t> cluster = clusterEvenly(profiles(activations, rest), experts);
  for (int64_t expert = 0; expert < experts; ++expert)
    for (size_t i = 0; i < rest.size(); ++i)
      if (cluster[i] == expert)
        split.order.push_back(rest[i]);
  return split;
}

} // namespace yoke
