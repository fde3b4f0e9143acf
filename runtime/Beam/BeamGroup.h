// One group of beams: which texts go on, which are finished, and when to stop.
#pragma once

#include "runtime/Beam/BeamOptions.h"

#include <span>
#include <vector>

namespace yoke {

/// A text that is being continued.
struct Beam {
  std::vector<int32_t> tokens; ///< generated
  double score = 0;            ///< sum of log-probabilities, penalties taken off
  int32_t parent = 0;          ///< which of the previous beams it continues
};

/// A finished text.
struct Hypothesis {
  std::vector<int32_t> tokens;
  double score; ///< sum / length^lengthPenalty
};

/// The algorithm is transformers' (generation/utils.py, _beam_search): of the best max(2, 1 + ends) * width
/// continuations those that do not end go on, `width` of them; those among the best `width` that end are finished.
class BeamGroup {
public:
  /// `width`: beams of this group. Starts with one empty beam.
  BeamGroup(int32_t width, const BeamOptions &options, std::vector<int32_t> endTokens, int64_t maxTokens);

  const std::vector<Beam> &beams() const { return running; }
  bool done() const { return stopped; }

  /// Continues each beam by one token. `logProbabilities` has a row [vocabulary] for each beam, penalties taken off.
  void advance(std::span<const std::span<const float>> logProbabilities);

  /// Best first.
  const std::vector<Hypothesis> &finished() const { return hypotheses; }

private:
  struct Candidate {
    double score;
    int32_t beam, token;
  };
  std::vector<Candidate> bestContinuations(std::span<const std::span<const float>> rows) const;
  void addFinished(Hypothesis hypothesis);
  double normalised(double score, int64_t length) const;
  bool canImprove() const;

  const int32_t width;
  const double lengthPenalty;
  const bool earlyStopping;
  const std::vector<int32_t> endTokens;
  const int64_t maxTokens;
  std::vector<Beam> running;
  std::vector<Hypothesis> hypotheses;
  bool stopped = false;
};

} // namespace yoke
