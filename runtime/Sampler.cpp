#include "runtime/Sampler.h"

#include "runtime/LogitProcessors.h"
#include "runtime/Philox.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace yoke {
namespace {

int32_t draw(const Candidates &candidates, double uniform) {
  auto probabilities = candidates.probabilities();
  double cumulative = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    cumulative += probabilities[i];
    if (uniform < cumulative)
      return candidates.tokens[i];
  }
  // Rounding left the sum below the draw: the last token that has any probability.
  size_t last = probabilities.size() - 1;
  while (last > 0 && probabilities[last] == 0)
    --last;
  return candidates.tokens[last];
}

} // namespace

int32_t argmax(std::span<const float> values) {
  // Two branch-free passes, each of which vectorises.
  float top = -INFINITY;
  bool hasNan = false;
  for (float value : values) {
    top = value > top ? value : top;
    hasNan |= value != value;
  }
  if (hasNan || values.empty())
    return -1;
  return static_cast<int32_t>(std::ranges::find(values, top) - values.begin());
}

Result<int32_t> Sampler::choose(std::span<float> logits, std::span<const int32_t> history, int64_t promptLength) const {
  const int64_t step = static_cast<int64_t>(history.size()) - promptLength;
  if (std::ranges::any_of(logits, [](float value) { return std::isnan(value); }))
    return failed("the model produced NaN logits at step {}", step);
  processLogits(logits, history, promptLength, options, endTokens);
  if (!options.sample) {
    int32_t best = argmax(logits);
    if (best >= 0 && logits[best] > -INFINITY)
      return best;
  } else {
    Candidates candidates = Candidates::fromDense(logits);
    warp(candidates, options);
    if (candidates.size() > 0)
      return draw(candidates, philoxUniform(options.seed, stream, static_cast<uint64_t>(step)));
  }
  return failed("no token is allowed at step {}: every logit is -inf or suppressed", step);
}

double logSumExp(std::span<const float> logits) {
  float top = -INFINITY;
  for (float value : logits)
    top = value > top ? value : top;
  if (std::isinf(top))
    return top;
  double sum = 0;
  for (float value : logits)
    sum += std::exp(static_cast<double>(value) - top);
  return top + std::log(sum);
}

PositionLogprobs logprobsOf(std::span<const float> logits, int32_t chosen, int32_t count) {
  double normaliser = logSumExp(logits);
  auto entry = [&](int32_t token) {
    return TokenLogprob{token, static_cast<float>(static_cast<double>(logits[token]) - normaliser)};
  };
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  auto middle = order.begin() + std::min<size_t>(std::max(count, 0), order.size());
  std::partial_sort(order.begin(), middle, order.end(),
                    [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  PositionLogprobs result{entry(chosen), {}};
  for (auto it = order.begin(); it != middle; ++it)
    result.top.push_back(entry(*it));
  return result;
}

} // namespace yoke
