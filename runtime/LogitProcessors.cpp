#include "runtime/LogitProcessors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace yoke {
namespace {

constexpr float banned = -std::numeric_limits<float>::infinity();

bool inVocabulary(Logits logits, int32_t token) { return token >= 0 && static_cast<size_t>(token) < logits.size(); }

/// Whether `history` ends in all but the last of `tokens`.
bool nextCompletes(TokenHistory history, std::span<const int32_t> tokens) {
  std::span<const int32_t> prefix = tokens.first(tokens.size() - 1);
  return history.size() >= prefix.size() && std::ranges::equal(history.last(prefix.size()), prefix);
}

/// Indices of the candidates in ascending order of `key`, ties in order of token.
template <class Key> std::vector<int32_t> sortedBy(size_t size, Key &&key) {
  std::vector<int32_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](int32_t a, int32_t b) { return key(a) != key(b) ? key(a) < key(b) : a < b; });
  return order;
}

/// Keeps candidates of at least `threshold` probability, and the most probable ones always.
void keepProbable(Candidates &candidates, const std::vector<double> &probabilities, double threshold) {
  double top = *std::ranges::max_element(probabilities);
  std::vector<uint8_t> keep(probabilities.size());
  for (size_t i = 0; i < keep.size(); ++i)
    keep[i] = probabilities[i] >= threshold || probabilities[i] == top;
  candidates.filter(keep);
}

double entropy(const std::vector<double> &probabilities) {
  double sum = 0;
  for (double p : probabilities)
    if (p > 0)
      sum -= p * std::log(p);
  return sum;
}

} // namespace

void applySequenceBias(Logits logits, TokenHistory history, std::span<const SequenceBias> biases) {
  for (const SequenceBias &bias : biases)
    if (!bias.tokens.empty() && inVocabulary(logits, bias.tokens.back()) && nextCompletes(history, bias.tokens))
      logits[bias.tokens.back()] += bias.bias;
}

void applyRepetitionPenalty(Logits logits, TokenHistory history, float penalty) {
  std::vector<bool> seen(logits.size());
  for (int32_t token : history) {
    if (!inVocabulary(logits, token) || seen[token])
      continue;
    seen[token] = true;
    float &logit = logits[token];
    logit = logit < 0 ? logit * penalty : logit / penalty;
  }
}

void banRepeatedNgrams(Logits logits, TokenHistory history, int32_t size) {
  size_t length = static_cast<size_t>(size);
  if (history.size() < length)
    return;
  TokenHistory suffix = history.last(length - 1);
  for (size_t start = 0; start + length <= history.size(); ++start) {
    int32_t last = history[start + length - 1];
    if (inVocabulary(logits, last) && std::ranges::equal(history.subspan(start, length - 1), suffix))
      logits[last] = banned;
  }
}

void banBadWords(Logits logits, TokenHistory history, std::span<const std::vector<int32_t>> words,
                 std::span<const int32_t> endTokens) {
  for (const std::vector<int32_t> &word : words) {
    if (word.empty() || !inVocabulary(logits, word.back()))
      continue;
    bool isEndToken = word.size() == 1 && std::ranges::find(endTokens, word[0]) != endTokens.end();
    if (!isEndToken && nextCompletes(history, word))
      logits[word.back()] = banned;
  }
}

void banTokens(Logits logits, std::span<const int32_t> tokens) {
  for (int32_t token : tokens)
    if (inVocabulary(logits, token))
      logits[token] = banned;
}

void processLogits(Logits logits, TokenHistory history, int64_t promptLength, const SamplingOptions &options,
                   std::span<const int32_t> endTokens) {
  const int64_t length = static_cast<int64_t>(history.size());
  applySequenceBias(logits, history, options.sequenceBias);
  if (options.repetitionPenalty != 1)
    applyRepetitionPenalty(logits, history, options.repetitionPenalty);
  if (options.noRepeatNgram > 0)
    banRepeatedNgrams(logits, history, options.noRepeatNgram);
  banBadWords(logits, history, options.badWords, endTokens);
  if (length < options.minLength || length - promptLength < options.minNewTokens)
    banTokens(logits, endTokens);
  banTokens(logits, options.suppress);
  if (length == promptLength)
    banTokens(logits, options.suppressAtBegin);
}

bool changesLogits(const SamplingOptions &options) {
  return !options.sequenceBias.empty() || options.repetitionPenalty != 1 || options.noRepeatNgram > 0 ||
         !options.badWords.empty() || options.minLength > 0 || options.minNewTokens > 0 || !options.suppress.empty() ||
         !options.suppressAtBegin.empty();
}

Candidates Candidates::fromDense(std::span<const float> logits) {
  Candidates result;
  result.tokens.reserve(logits.size());
  result.logits.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > banned) {
      result.tokens.push_back(static_cast<int32_t>(i));
      result.logits.push_back(logits[i]);
    }
  return result;
}

void Candidates::filter(const std::vector<uint8_t> &keep) {
  size_t kept = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (keep[i]) {
      tokens[kept] = tokens[i];
      logits[kept++] = logits[i];
    }
  tokens.resize(kept);
  logits.resize(kept);
}

std::vector<double> Candidates::probabilities() const {
  std::vector<double> result(size());
  if (result.empty())
    return result;
  float top = *std::ranges::max_element(logits);
  double sum = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = logits[i] == top ? 1.0 : std::exp(static_cast<double>(logits[i]) - top);
    sum += result[i];
  }
  for (double &p : result)
    p /= sum;
  return result;
}

void warpTemperature(Candidates &candidates, float temperature) {
  for (float &logit : candidates.logits)
    logit /= temperature;
}

void warpTopH(Candidates &candidates, float topH) {
  constexpr size_t considered = 100;
  auto order = sortedBy(candidates.size(), [&](int32_t i) { return -candidates.logits[i]; });
  order.resize(std::min(order.size(), considered));
  Candidates top;
  for (int32_t i : order)
    top.logits.push_back(candidates.logits[i]);
  top.tokens = order;
  auto probabilities = top.probabilities();
  double threshold = entropy(probabilities) * topH;
  std::vector<uint8_t> keep(candidates.size());
  double cumulative = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    double p = probabilities[rank];
    cumulative -= p > 0 ? p * std::log(p) : 0;
    keep[order[rank]] = rank == 0 || cumulative <= threshold;
  }
  candidates.filter(keep);
}

void warpTopK(Candidates &candidates, int32_t k) {
  if (static_cast<size_t>(k) >= candidates.size())
    return;
  std::vector<float> sorted = candidates.logits;
  std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end(), std::greater<>());
  float smallest = sorted[k - 1];
  std::vector<uint8_t> keep(candidates.size());
  for (size_t i = 0; i < keep.size(); ++i)
    keep[i] = candidates.logits[i] >= smallest;
  candidates.filter(keep);
}

void warpTopP(Candidates &candidates, float p) {
  auto probabilities = candidates.probabilities();
  const double removable = 1 - static_cast<double>(p);
  // What is less probable than half an even share of the removable mass goes without sorting: together it stays below.
  const double sure = 0.5 * removable / static_cast<double>(candidates.size());
  std::vector<uint8_t> keep(candidates.size(), 1);
  std::vector<int32_t> order;
  double cumulative = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (probabilities[i] >= sure) {
      order.push_back(static_cast<int32_t>(i));
    } else {
      cumulative += probabilities[i];
      keep[i] = 0;
    }
  }
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    return candidates.logits[a] != candidates.logits[b] ? candidates.logits[a] < candidates.logits[b] : a < b;
  });
  for (size_t rank = 0; rank + 1 < order.size(); ++rank) {
    cumulative += probabilities[order[rank]];
    if (cumulative > removable)
      break;
    keep[order[rank]] = 0;
  }
  candidates.filter(keep);
}

void warpMinP(Candidates &candidates, float minP) {
  auto probabilities = candidates.probabilities();
  keepProbable(candidates, probabilities, minP * *std::ranges::max_element(probabilities));
}

void warpTypical(Candidates &candidates, float mass) {
  auto probabilities = candidates.probabilities();
  double expected = entropy(probabilities);
  std::vector<double> distance(candidates.size());
  for (size_t i = 0; i < distance.size(); ++i)
    distance[i] = std::abs(-std::log(probabilities[i]) - expected);
  auto order = sortedBy(candidates.size(), [&](int32_t i) { return distance[i]; });
  double cumulative = 0;
  size_t last = 0;
  while (last + 1 < order.size() && (cumulative += probabilities[order[last]]) < mass)
    ++last;
  double limit = distance[order[last]];
  std::vector<uint8_t> keep(candidates.size());
  for (size_t i = 0; i < keep.size(); ++i)
    keep[i] = distance[i] <= limit;
  candidates.filter(keep);
}

void warpEpsilon(Candidates &candidates, float epsilon) {
  keepProbable(candidates, candidates.probabilities(), epsilon);
}

void warpEta(Candidates &candidates, float epsilon) {
  auto probabilities = candidates.probabilities();
  double eta = std::min<double>(epsilon, std::sqrt(epsilon) * std::exp(-entropy(probabilities)));
  keepProbable(candidates, probabilities, eta);
}

void warp(Candidates &candidates, const SamplingOptions &options) {
  if (candidates.size() == 0)
    return;
  if (options.temperature != 1)
    warpTemperature(candidates, options.temperature);
  if (options.topH > 0)
    warpTopH(candidates, options.topH);
  if (options.topK > 0)
    warpTopK(candidates, options.topK);
  if (options.topP < 1)
    warpTopP(candidates, options.topP);
  if (options.minP > 0)
    warpMinP(candidates, options.minP);
  if (options.typicalP < 1)
    warpTypical(candidates, options.typicalP);
  if (options.epsilonCutoff > 0)
    warpEpsilon(candidates, options.epsilonCutoff);
  if (options.etaCutoff > 0)
    warpEta(candidates, options.etaCutoff);
}

} // namespace yoke
