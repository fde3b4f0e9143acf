// Which neurons of a feed-forward block belong to which expert.
#pragma once

#include "Factor/Multiply.h"

#include <cstdint>
#include <vector>

namespace yoke {

enum class SplitKind { Contiguous, Coactivation };

/// A permutation of the neurons: first those that all tokens use, then those of each expert, each in ascending order.
struct NeuronSplit {
  std::vector<int32_t> order;
  int64_t shared = 0, experts = 1, expertInner = 0;

  int64_t begin(int64_t expert) const { return shared + expert * expertInner; }
};

/// Splits the neurons whose activations on some tokens are `activations` [tokens, neurons] and the squared norms of
/// whose output columns are `weights`. The `shared` neurons that contribute most on average are used by all tokens. The
/// others go to `experts` of equal size: in runs, or so that neurons that are large on the same tokens lie together
/// (k-means of equal clusters over magnitudes). `experts` divides neurons - shared. Deterministic.
NeuronSplit splitNeurons(const FloatMatrix &activations, const std::vector<float> &weights, int64_t shared,
                         int64_t experts, SplitKind kind);

} // namespace yoke
