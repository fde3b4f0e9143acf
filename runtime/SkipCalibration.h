// Finds policies of skipping feed-forward blocks for a model that records how little each block changes its rows.
#pragma once

#include "Package/SkipPolicy.h"
#include "runtime/Session.h"

#include <atomic>

namespace yoke {

/// Of some tokens, the cosine of the row before and after the feed-forward block of each layer, none skipped.
struct CosineTable {
  int64_t layers = 0;
  std::vector<int64_t> positions; ///< of each token in its window
  std::vector<float> cosines;     ///< [tokens][layers]

  int64_t tokens() const { return static_cast<int64_t>(positions.size()); }
  float at(int64_t token, int64_t layer) const { return cosines[static_cast<size_t>(token * layers + layer)]; }
  /// Over the tokens from position `warmUp` on.
  std::vector<double> layerMeans(int64_t warmUp) const;
};

/// Runs the text through a model compiled with "record", in windows of `window` tokens that do not overlap. Errors:
/// Malformed (a model that does not record, no text, a token outside the vocabulary), Failed (cancelled), Resources.
Result<CosineTable> recordCosines(Session &session, std::span<const int32_t> tokens, int64_t window,
                                  const std::atomic<bool> *cancelled = nullptr);

/// What a policy does to the recorded tokens, were their rows not changed by what they skip.
struct SkipEstimate {
  double fraction = 0; ///< of the feed-forward blocks of all layers that is skipped
  double change = 0;   ///< mean over the tokens of the sum over skipped blocks of 1 - cosine
};
SkipEstimate estimateSkips(const CosineTable &table, const SkipPolicy &policy);

/// The policy that skips about `fraction` of all blocks and, by the estimate, changes the rows least. Nothing when no
/// policy comes within a fifth of the fraction, and within 0.05.
std::optional<SkipPolicy> chooseSkipPolicy(const CosineTable &table, double fraction, int64_t warmUp);

} // namespace yoke
