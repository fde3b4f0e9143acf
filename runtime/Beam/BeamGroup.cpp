#include "runtime/Beam/BeamGroup.h"

#include <algorithm>
#include <cmath>

namespace yoke {

BeamGroup::BeamGroup(int32_t width, const BeamOptions &options, std::vector<int32_t> endTokens, int64_t maxTokens)
    : width(width), lengthPenalty(options.lengthPenalty), earlyStopping(options.earlyStopping),
      endTokens(std::move(endTokens)), maxTokens(maxTokens), running(1), stopped(maxTokens <= 0) {}

double BeamGroup::normalised(double score, int64_t length) const {
  return score / std::pow(static_cast<double>(length), lengthPenalty);
}

std::vector<BeamGroup::Candidate> BeamGroup::bestContinuations(std::span<const std::span<const float>> rows) const {
  const size_t kept = std::max<size_t>(2, 1 + endTokens.size()) * static_cast<size_t>(width);
  auto better = [](const Candidate &a, const Candidate &b) {
    return a.score != b.score ? a.score > b.score : a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
  };
  std::vector<Candidate> heap; // the worst kept one in front
  for (size_t beam = 0; beam < running.size(); ++beam)
    for (size_t token = 0; token < rows[beam].size(); ++token) {
      if (rows[beam][token] == -INFINITY)
        continue;
      const Candidate candidate{running[beam].score + static_cast<double>(rows[beam][token]),
                                static_cast<int32_t>(beam), static_cast<int32_t>(token)};
      if (heap.size() == kept) {
        if (!better(candidate, heap.front()))
          continue;
        std::ranges::pop_heap(heap, better);
        heap.pop_back();
      }
      heap.push_back(candidate);
      std::ranges::push_heap(heap, better);
    }
  std::ranges::sort_heap(heap, better);
  return heap;
}

void BeamGroup::addFinished(Hypothesis hypothesis) {
  auto place = std::ranges::find_if(hypotheses, [&](const Hypothesis &h) { return h.score < hypothesis.score; });
  hypotheses.insert(place, std::move(hypothesis));
  if (hypotheses.size() > static_cast<size_t>(width))
    hypotheses.pop_back();
}

bool BeamGroup::canImprove() const {
  if (hypotheses.size() < static_cast<size_t>(width))
    return true;
  const Beam &best = running.front();
  return !earlyStopping && normalised(best.score, static_cast<int64_t>(best.tokens.size())) > hypotheses.back().score;
}

void BeamGroup::advance(std::span<const std::span<const float>> logProbabilities) {
  std::vector<Beam> next;
  int32_t rank = 0;
  for (const Candidate &candidate : bestContinuations(logProbabilities)) {
    std::vector<int32_t> tokens = running[candidate.beam].tokens;
    tokens.push_back(candidate.token);
    const auto length = static_cast<int64_t>(tokens.size());
    const bool ends = length >= maxTokens || std::ranges::find(endTokens, candidate.token) != endTokens.end();
    if (!ends && next.size() < static_cast<size_t>(width))
      next.push_back({std::move(tokens), candidate.score, candidate.beam});
    else if (ends && rank < width)
      addFinished({std::move(tokens), normalised(candidate.score, length)});
    ++rank;
  }
  running = std::move(next);
  stopped = running.empty() || !canImprove();
}

} // namespace yoke
