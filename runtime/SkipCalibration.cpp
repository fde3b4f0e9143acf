#include "runtime/SkipCalibration.h"

#include <algorithm>
#include <cmath>

namespace yoke {
namespace {

/// More tokens do not change the choice, but the time it takes.
constexpr int64_t mostTokensToChooseBy = 512;
constexpr int64_t mostBlocksAtOnce = 8;

std::vector<const StepRecord *> cosineRecords(const Model &model) {
  std::vector<const StepRecord *> records;
  for (const StepRecord &record : model.manifest.step.records)
    if (record.kind == StepRecord::Kind::FfnCosines)
      records.push_back(&record);
  return records;
}

CosineTable evenlySpaced(const CosineTable &table, int64_t count) {
  if (table.tokens() <= count)
    return table;
  CosineTable out{table.layers, {}, {}};
  for (int64_t i = 0; i < count; ++i) {
    int64_t token = i * table.tokens() / count;
    out.positions.push_back(table.positions[token]);
    for (int64_t layer = 0; layer < table.layers; ++layer)
      out.cosines.push_back(table.at(token, layer));
  }
  return out;
}

/// Sets the policy's threshold so that it skips about `fraction`, by halving an interval of the recorded cosines.
SkipEstimate setThreshold(const CosineTable &table, double fraction, const std::vector<float> &sorted,
                          SkipPolicy &policy) {
  size_t low = 0, high = sorted.size();
  SkipEstimate best;
  for (double nearest = INFINITY; low < high;) {
    size_t middle = low + (high - low) / 2;
    SkipPolicy candidate = policy;
    candidate.tau = sorted[middle];
    SkipEstimate estimate = estimateSkips(table, candidate);
    if (double distance = std::abs(estimate.fraction - fraction); distance < nearest) {
      nearest = distance;
      best = estimate;
      policy.tau = candidate.tau;
    }
    if (estimate.fraction > fraction)
      low = middle + 1;
    else
      high = middle;
  }
  return best;
}

} // namespace

std::vector<double> CosineTable::layerMeans(int64_t warmUp) const {
  std::vector<double> sums(static_cast<size_t>(layers));
  int64_t count = 0;
  for (int64_t token = 0; token < tokens(); ++token) {
    if (positions[token] < warmUp)
      continue;
    ++count;
    for (int64_t layer = 0; layer < layers; ++layer)
      sums[layer] += at(token, layer);
  }
  for (double &sum : sums)
    sum = count > 0 ? sum / static_cast<double>(count) : 0;
  return sums;
}

Result<CosineTable> recordCosines(Session &session, std::span<const int32_t> tokens, int64_t window,
                                  const std::atomic<bool> *cancelled) {
  const Model &model = session.model();
  std::vector<const StepRecord *> records = cosineRecords(model);
  if (records.empty() || !model.generates())
    return malformed("{}: the package records no similarities of feed-forward blocks", model.path);
  if (tokens.empty())
    return malformed("there are no tokens to calibrate by");
  YOKE_TRY(model.checkTokens(tokens));
  CosineTable table;
  table.layers = model.manifest.layers;
  KvCache &cache = session.kvCache();
  StepBatch batch;
  std::vector<float> none;
  for (size_t begin = 0; begin < tokens.size(); begin += static_cast<size_t>(window)) {
    std::span<const int32_t> text = tokens.subspan(begin, std::min(tokens.size() - begin, static_cast<size_t>(window)));
    const auto length = static_cast<int64_t>(text.size());
    const KvCache::SequenceId sequence = cache.addSequence();
    for (int64_t start = 0; start < length; start += session.maxStepTokens()) {
      const int64_t count = std::min(session.maxStepTokens(), length - start);
      if (Status room = cache.prepareWrite(sequence, start, start + count); !room) {
        cache.removeSequence(sequence);
        return tl::unexpected<Error>(room.error());
      }
      batch.clear();
      batch.reachTo(length);
      batch.addCausal(batch.addSequence(cache.blockTable(sequence)), text.subspan(start, count), start);
      session.run(batch, none);
      for (int64_t t = 0; t < count; ++t) {
        table.positions.push_back(start + t);
        std::vector<float> row(static_cast<size_t>(table.layers));
        for (const StepRecord *record : records)
          row[record->layer] = session.record<float>(*record)[t];
        table.cosines.insert(table.cosines.end(), row.begin(), row.end());
      }
    }
    cache.removeSequence(sequence);
    if (cancelled && cancelled->load(std::memory_order_relaxed))
      return failed("cancelled");
  }
  return table;
}

SkipEstimate estimateSkips(const CosineTable &table, const SkipPolicy &policy) {
  int64_t skipped = 0;
  double change = 0;
  for (int64_t token = 0; token < table.tokens(); ++token) {
    int64_t left = 0;
    for (int64_t layer = policy.first; layer < policy.last; ++layer) {
      const double cosine = table.at(token, layer);
      if (left > 0) {
        --left;
        ++skipped;
        change += 1 - cosine;
      } else if (table.positions[token] >= policy.warmUp && cosine >= policy.tau) {
        left = policy.k;
      }
    }
  }
  const auto tokens = static_cast<double>(std::max<int64_t>(table.tokens(), 1));
  return {static_cast<double>(skipped) / (tokens * static_cast<double>(std::max<int64_t>(table.layers, 1))),
          change / tokens};
}

std::optional<SkipPolicy> chooseSkipPolicy(const CosineTable &all, double fraction, int64_t warmUp) {
  const CosineTable table = evenlySpaced(all, mostTokensToChooseBy);
  std::optional<SkipPolicy> chosen;
  double least = INFINITY;
  for (int64_t first = 0; first < table.layers; ++first)
    for (int64_t last = first + 2; last <= table.layers; ++last) {
      std::vector<float> sorted;
      for (int64_t token = 0; token < table.tokens(); ++token)
        for (int64_t layer = first; layer < last; ++layer)
          sorted.push_back(table.at(token, layer));
      std::ranges::sort(sorted);
      for (int64_t k = 1; k < last - first && k <= mostBlocksAtOnce; ++k) {
        SkipPolicy policy;
        policy.layers = table.layers;
        policy.first = first;
        policy.last = last;
        policy.warmUp = warmUp;
        policy.k = k;
        SkipEstimate estimate = setThreshold(table, fraction, sorted, policy);
        if (std::abs(estimate.fraction - fraction) <= std::min(fraction / 5, 0.05) && estimate.change < least) {
          least = estimate.change;
          chosen = policy;
        }
      }
    }
  return chosen;
}

} // namespace yoke
