// How often guesses of a kind turn out right, learned while generating.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace yoke {

class DraftTree;

/// Drafters sort their guesses into kinds ("third-best successor by a clear margin"); all guesses of a kind share one
/// estimate. An estimate is the recent rate of success, with a prior that counts as a few observations.
class AcceptanceModel {
public:
  /// Returns the first of `priors.size()` new kinds.
  int32_t addKinds(const std::vector<float> &priors);
  /// Probability that a guess of this kind is accepted, given that its parent is.
  float probability(int32_t kind) const { return counts[kind].estimate; }
  void record(int32_t kind, bool accepted);

private:
  struct Count {
    float prior, estimate;
    float accepted = 0, total = 0;
  };
  std::vector<Count> counts;
};

/// The estimates for one request: those of all, times how well its text has been guessed so far in comparison, which a
/// few steps tell.
class RequestAcceptance {
public:
  explicit RequestAcceptance(AcceptanceModel &shared) : shared(shared) {}

  float probability(int32_t kind) const { return std::min(1.0f, shared.probability(kind) * scale); }
  /// What a step teaches: the guesses beside the `path` of tokens that were chosen below the root.
  void record(const DraftTree &tree, std::span<const int32_t> path);

private:
  AcceptanceModel &shared;
  float scale = 1;
  float expected = 0, accepted = 0; ///< guesses of this request, older ones fading
};

} // namespace yoke
