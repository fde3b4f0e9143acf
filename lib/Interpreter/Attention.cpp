#include "Interpreter/Kernels.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace yoke;

namespace {
struct Seen {
  int32_t position;
  const float *key;
  const float *value;
};
} // namespace

/// What token `t` sees by the batch alone, before the window.
static Result<std::vector<Seen>> visibleTokens(int64_t t, const Matrix &k, const Matrix &v, const Batch &batch,
                                               const KvCache *cache, const kernels::AttentionOptions &options) {
  int32_t sequence = batch.sequences[t];
  std::vector<Seen> seen;
  auto addNew = [&](int64_t other) { seen.push_back({batch.positions[other], k.row(other), v.row(other)}); };
  if (options.bidirectional) {
    for (int64_t other = 0; other < batch.size(); ++other)
      if (batch.sequences[other] == sequence && batch.slots[other] < batch.limits[t])
        addNew(other);
    return seen;
  }
  if (cache) {
    std::set<int32_t> written;
    for (int64_t other = 0; other < batch.size(); ++other)
      if (batch.sequences[other] == sequence)
        written.insert(batch.slots[other]);
    for (int32_t slot = 0; slot < batch.limits[t]; ++slot) {
      if (written.count(slot))
        continue;
      const KvEntry *entry = cache->find(options.layer, sequence, slot);
      if (!entry)
        return usageError("token {} sees slot {} of sequence {}, which layer {} never wrote", t, slot, sequence,
                          options.layer);
      seen.push_back({entry->position, entry->key.data(), entry->value.data()});
    }
  }
  for (int64_t other = t; other >= 0; other = batch.parents[other])
    addNew(other);
  return seen;
}

/// softmax(query . keys) . values for one head, whose elements start at `offset` of the keys and values.
static void attendHead(const float *query, const std::vector<Seen> &seen, int64_t offset, int64_t headDim,
                       const kernels::AttentionOptions &options, float *result) {
  std::vector<double> weights;
  double highest = -INFINITY, total = 0;
  for (const Seen &token : seen) {
    double score = 0;
    for (int64_t i = 0; i < headDim; ++i)
      score += static_cast<double>(query[i]) * token.key[offset + i];
    score *= options.scale;
    if (options.softcap > 0)
      score = options.softcap * std::tanh(score / options.softcap);
    highest = std::max(highest, score);
    weights.push_back(score);
  }
  for (double &weight : weights)
    total += weight = std::exp(weight - highest);
  for (int64_t i = 0; i < headDim; ++i) {
    double sum = 0;
    for (size_t j = 0; j < seen.size(); ++j)
      sum += weights[j] * seen[j].value[offset + i];
    result[i] = static_cast<float>(sum / total);
  }
}

Result<Matrix> kernels::attention(const Matrix &q, const Matrix &k, const Matrix &v, const Batch &batch,
                                  const KvCache *cache, const AttentionOptions &options) {
  Matrix result(q.rows, q.cols);
  int64_t headDim = q.cols / options.heads;
  for (int64_t t = 0; t < q.rows; ++t) {
    std::vector<Seen> seen = YOKE_TRY(visibleTokens(t, k, v, batch, cache, options));
    if (options.window > 0)
      std::erase_if(seen, [&](const Seen &token) { return token.position <= batch.positions[t] - options.window; });
    for (int64_t head = 0; head < options.heads; ++head) {
      int64_t kvHead = head / (options.heads / options.kvHeads);
      attendHead(q.row(t) + head * headDim, seen, kvHead * headDim, headDim, options, result.row(t) + head * headDim);
    }
  }
  return result;
}
