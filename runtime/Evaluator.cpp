#include "runtime/Evaluator.h"

#include "runtime/Sampler.h"

#include <algorithm>
#include <cmath>

namespace yoke {
namespace {

/// Memory for output rows of one step.
constexpr int64_t rowBufferBytes = int64_t(64) << 20;

bool isSet(const std::atomic<bool> *flag) { return flag && flag->load(std::memory_order_relaxed); }

/// Removes its sequence from the cache at the end of a scope.
struct ScopedSequence {
  KvCache &cache;
  KvCache::SequenceId id;
  explicit ScopedSequence(KvCache &cache) : cache(cache), id(cache.addSequence()) {}
  ~ScopedSequence() { cache.removeSequence(id); }
};

} // namespace

Status evaluateLogits(Session &session, std::span<const int32_t> tokens, int64_t firstRow, const RowSink &sink,
                      const std::atomic<bool> *cancelled) {
  const Model &model = session.model();
  const auto length = static_cast<int64_t>(tokens.size());
  if (model.manifest.task == Task::Embed)
    return malformed("{}: the package's task is not generation: it has no logits", model.path);
  if (length == 0)
    return malformed("there are no tokens to evaluate");
  if (length > model.manifest.maxPositions)
    return malformed("{} tokens are more than the model's {} positions", length, model.manifest.maxPositions);
  YOKE_TRY(model.checkTokens(tokens));

  const int64_t columns = session.outputColumns();
  const int64_t chunk =
      std::clamp<int64_t>(rowBufferBytes / (columns * int64_t(sizeof(float))), 1, session.maxStepTokens());
  std::vector<float> rows(chunk * columns);
  ScopedSequence sequence(session.kvCache());
  StepBatch batch;
  for (int64_t start = 0; start < length; start += chunk) {
    if (isSet(cancelled))
      return failed("cancelled");
    const int64_t count = std::min(chunk, length - start);
    YOKE_TRY(session.kvCache().prepareWrite(sequence.id, start, start + count));
    batch.clear();
    batch.reachTo(length);
    int32_t row = batch.addSequence(session.kvCache().blockTable(sequence.id));
    batch.addCausal(row, tokens.subspan(start, count), start);
    const int64_t firstWanted = std::max<int64_t>(firstRow - start, 0);
    for (int64_t i = firstWanted; i < count; ++i)
      batch.wantOutput(static_cast<int32_t>(i));
    session.run(batch, rows);
    for (int64_t i = firstWanted; i < count; ++i)
      YOKE_TRY(sink(start + i, std::span(rows).subspan((i - firstWanted) * columns, columns)));
  }
  return {};
}

Result<PerplexityResult> evaluatePerplexity(Session &session, std::span<const int32_t> tokens,
                                            const PerplexityOptions &options) {
  if (!session.model().generates())
    return malformed("{}: the package's task is not generation: it has no logits", session.model().path);
  const int64_t positions = session.model().manifest.maxPositions;
  const int64_t window = options.window ? options.window : positions;
  const int64_t stride = options.stride ? options.stride : std::max<int64_t>(window / 2, 1);
  if (window < 2 || window > positions)
    return usageError("the window must be between 2 and {} tokens (the model's positions), found {}", positions,
                      window);
  if (stride < 1 || stride >= window)
    return usageError("the stride must be between 1 and {} (less than the window), found {}", window - 1, stride);
  PerplexityResult result;
  result.tokens = static_cast<int64_t>(tokens.size());
  if (result.tokens < 2)
    return malformed("perplexity needs at least 2 tokens, the text has {}", result.tokens);

  int64_t scored = 1; // the first token has nothing to be predicted from
  for (int64_t begin = 0; scored < result.tokens; begin += stride) {
    const int64_t end = std::min(begin + window, result.tokens);
    // Row i predicts token i + 1; the window's last row is not needed.
    auto score = [&](int64_t row, std::span<const float> logits) -> Status {
      int64_t next = begin + row + 1;
      if (next >= end)
        return {};
      double nats = logSumExp(logits) - logits[tokens[next]];
      if (std::isnan(nats))
        return failed("the model produced NaN logits at token {}", begin + row);
      result.nats += nats;
      ++result.scoredTokens;
      return {};
    };
    YOKE_TRY(evaluateLogits(session, tokens.subspan(begin, end - begin), scored - 1 - begin, score, options.cancelled));
    scored = end;
    ++result.windows;
    if (options.progress)
      options.progress(double(scored) / double(result.tokens));
  }
  return result;
}

Result<std::vector<float>> embed(Session &session, std::span<const std::vector<int32_t>> texts,
                                 const std::atomic<bool> *cancelled) {
  const Model &model = session.model();
  if (model.manifest.task != Task::Embed)
    return malformed("{}: the package's task is '{}': it does not embed", model.path, taskName(model.manifest.task));
  const int64_t limit = std::min(session.maxStepTokens(), model.manifest.maxPositions);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto length = static_cast<int64_t>(texts[i].size());
    if (length == 0 || length > limit)
      return malformed("text {} has {} tokens, between 1 and {} are allowed", i + 1, length, limit);
    YOKE_TRY(model.checkTokens(texts[i]));
  }
  const int64_t columns = session.outputColumns();
  std::vector<float> rows(texts.size() * columns);
  StepBatch batch;
  for (size_t next = 0; next < texts.size();) {
    if (isSet(cancelled))
      return failed("cancelled");
    batch.clear();
    const size_t first = next;
    while (next < texts.size() &&
           batch.tokenCount() + static_cast<int64_t>(texts[next].size()) <= session.maxStepTokens())
      batch.addBidirectional(texts[next++]);
    session.run(batch, std::span(rows).subspan(first * columns, batch.outputCount() * columns));
  }
  return rows;
}

} // namespace yoke
