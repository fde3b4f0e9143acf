#include "runtime/Beam/BeamSearch.h"

#include "runtime/LogitProcessors.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_map>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A group; of each of its beams the cache and what may follow.
struct Group {
  BeamGroup search;
  std::vector<KvCache::SequenceId> sequences;
  std::vector<Constraint::State> allowed = {Constraint::start};
};

class Search {
public:
  Search(Session &session, const GenerateRequest &request, const BeamOptions &options)
      : session(session), cache(session.kvCache()), request(request), options(options),
        promptLength(static_cast<int64_t>(request.prompt.size())),
        maxTokens(std::min(request.maxNewTokens, session.model().manifest.maxPositions - promptLength)) {
    if (!request.ignoreEndTokens)
      ends = session.model().endTokens;
    for (int32_t g = 0; g < options.groups; ++g)
      groups.push_back({BeamGroup(options.width / options.groups, options, ends, maxTokens), {}, {Constraint::start}});
  }

  ~Search() {
    for (const Group &group : groups)
      for (KvCache::SequenceId sequence : group.sequences)
        cache.removeSequence(sequence);
  }

  Result<BeamResult> run(const std::atomic<bool> *cancelled) {
    auto start = Clock::now();
    BeamResult result;
    result.stats.promptTokens = promptLength;
    if (maxTokens > 0) {
      YOKE_TRY(readPrompt(result.stats));
      YOKE_TRY(advance());
      ++result.stats.samplingCalls;
    }
    result.stats.prefillSeconds = secondsSince(start);
    start = Clock::now();
    while (active() && !(result.cancelled = cancelled && cancelled->load(std::memory_order_relaxed))) {
      YOKE_TRY(step());
      YOKE_TRY(advance());
      ++result.stats.modelCalls;
      ++result.stats.samplingCalls;
    }
    result.stats.decodeSeconds = secondsSince(start);
    for (const Group &group : groups)
      result.hypotheses.insert(result.hypotheses.end(), group.search.finished().begin(), group.search.finished().end());
    std::ranges::sort(result.hypotheses, [](const Hypothesis &a, const Hypothesis &b) {
      return a.score != b.score ? a.score > b.score : a.tokens < b.tokens;
    });
    if (result.hypotheses.size() > static_cast<size_t>(options.returned))
      result.hypotheses.resize(static_cast<size_t>(options.returned));
    if (!result.hypotheses.empty())
      result.stats.generatedTokens = static_cast<int64_t>(result.hypotheses.front().tokens.size());
    return result;
  }

private:
  bool active() const {
    return std::ranges::any_of(groups, [](const Group &group) { return !group.search.done(); });
  }

  /// Leaves each group with one beam that shares the prompt's pages, and the row after the prompt in `rows` once a
  /// group.
  Status readPrompt(GenerateStats &stats) {
    const KvCache::SequenceId sequence = cache.addSequence();
    groups.front().sequences.push_back(sequence);
    rows.resize(session.outputColumns());
    for (int64_t begin = 0; begin < promptLength;) {
      const int64_t end = std::min(promptLength, begin + session.maxStepTokens());
      YOKE_TRY(cache.prepareWrite(sequence, begin, end));
      batch.clear();
      batch.reachTo(promptLength);
      const int32_t row = batch.addSequence(cache.blockTable(sequence));
      const int32_t first = batch.addCausal(row, std::span(request.prompt).subspan(begin, end - begin), begin);
      if (end == promptLength)
        batch.wantOutput(first + static_cast<int32_t>(end - begin) - 1);
      session.run(batch, rows);
      ++stats.modelCalls;
      begin = end;
    }
    rows.reserve(rows.size() * groups.size());
    const std::vector<float> row = rows;
    for (size_t g = 1; g < groups.size(); ++g) {
      groups[g].sequences.push_back(cache.fork(sequence, promptLength));
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return {};
  }

  /// LongRoPE: computes the caches of all beams anew when they have just become long texts.
  Status rotateForLongTexts() {
    for (const Group &group : groups)
      for (size_t b = 0; !group.search.done() && b < group.search.beams().size(); ++b) {
        const Beam &beam = group.search.beams()[b];
        std::vector<int32_t> text = request.prompt;
        text.insert(text.end(), beam.tokens.begin(), beam.tokens.end());
        const auto cached = static_cast<int64_t>(text.size()) - 1;
        if (cached != session.ropeSwitch() || promptLength > cached)
          continue;
        for (int64_t begin = 0, end = 0; begin < cached; begin = end) {
          end = std::min(cached, begin + session.maxStepTokens());
          YOKE_TRY(cache.prepareWrite(group.sequences[b], begin, end));
          batch.clear();
          batch.reachTo(cached + 1);
          batch.addCausal(batch.addSequence(cache.blockTable(group.sequences[b])),
                          std::span(text).subspan(begin, end - begin), begin);
          session.run(batch, rows);
        }
      }
    return {};
  }

  /// One row for each beam of each active group.
  Status step() {
    if (session.ropeSwitch() > 0)
      YOKE_TRY(rotateForLongTexts());
    batch.clear();
    for (const Group &group : groups) {
      if (group.search.done())
        continue;
      for (size_t b = 0; b < group.search.beams().size(); ++b) {
        const Beam &beam = group.search.beams()[b];
        const int64_t slot = promptLength + static_cast<int64_t>(beam.tokens.size()) - 1;
        YOKE_TRY(cache.prepareWrite(group.sequences[b], slot, slot + 1));
        const int32_t row = batch.addSequence(cache.blockTable(group.sequences[b]));
        batch.wantOutput(batch.addCausal(row, std::span(&beam.tokens.back(), 1), slot));
      }
    }
    rows.resize(batch.outputCount() * session.outputColumns());
    session.run(batch, rows);
    return {};
  }

  /// Lets the groups choose, in order, from the rows of their beams.
  Status advance() {
    std::unordered_map<int32_t, int32_t> chosen; // by earlier groups at this step
    const auto columns = static_cast<size_t>(session.outputColumns());
    size_t next = 0;
    for (Group &group : groups) {
      if (group.search.done())
        continue;
      std::vector<std::span<const float>> own;
      for (size_t b = 0; b < group.search.beams().size(); ++b) {
        std::span<float> row = std::span(rows).subspan(next++ * columns, columns);
        YOKE_TRY(toLogProbabilities(row, group.search.beams()[b]));
        if (request.constraint)
          YOKE_TRY(maskLogits(*request.constraint, group.allowed[b], row, ends));
        for (auto [token, count] : chosen)
          row[token] -= static_cast<float>(options.diversity * count);
        own.push_back(row);
      }
      group.search.advance(own);
      continueSequences(group);
      if (options.diversity > 0)
        for (const Beam &beam : group.search.beams())
          ++chosen[beam.tokens.back()];
    }
    return {};
  }

  Status toLogProbabilities(std::span<float> row, const Beam &beam) const {
    const double sum = logSumExp(row);
    if (std::isnan(sum))
      return failed("the model's logits are not numbers (NaN)");
    for (float &value : row)
      value = static_cast<float>(static_cast<double>(value) - sum);
    std::vector<int32_t> history = request.prompt;
    history.insert(history.end(), beam.tokens.begin(), beam.tokens.end());
    processLogits(row, history, promptLength, request.sampling, session.model().endTokens);
    return {};
  }

  /// Gives each new beam the cache of the one that it continues, and finds what may follow it.
  void continueSequences(Group &group) {
    std::vector<KvCache::SequenceId> next;
    std::vector<Constraint::State> allowed;
    for (const Beam &beam : group.search.beams()) {
      next.push_back(
          cache.fork(group.sequences[beam.parent], promptLength + static_cast<int64_t>(beam.tokens.size()) - 1));
      if (request.constraint)
        allowed.push_back(request.constraint->next(group.allowed[beam.parent], beam.tokens.back()));
    }
    group.allowed = std::move(allowed);
    for (KvCache::SequenceId sequence : group.sequences)
      cache.removeSequence(sequence);
    group.sequences = std::move(next);
  }

  Session &session;
  KvCache &cache;
  const GenerateRequest &request;
  const BeamOptions &options;
  const int64_t promptLength, maxTokens;
  std::vector<int32_t> ends;
  std::vector<Group> groups;
  StepBatch batch;
  std::vector<float> rows;
};

} // namespace

int64_t beamSlots(const Model &model, int64_t promptTokens, int64_t newTokens, const BeamOptions &options) {
  const int64_t length = std::min(promptTokens + newTokens, model.manifest.maxPositions);
  return options.width * (length + 2 * model.manifest.step.pageTokens);
}

Result<BeamResult> beamSearch(Session &session, const GenerateRequest &request, const BeamOptions &options,
                              const std::atomic<bool> *cancelled) {
  YOKE_TRY(checkRequest(session.model(), request));
  if (options.width > session.maxStepTokens())
    return usageError("--decode beam: a width of {} is more than the {} tokens of the package's largest step",
                      options.width, session.maxStepTokens());
  return Search(session, request, options).run(cancelled);
}

} // namespace yoke
