#include "runtime/Speculation/AcceptanceModel.h"

#include "runtime/Speculation/DraftTree.h"

namespace yoke {
namespace {

/// Observations that a prior is worth.
constexpr float priorWeight = 4;
/// Beyond so many observations older ones fade.
constexpr float memory = 128;
/// Of a request, in accepted guesses: how many are remembered, and how many make its own rate count as much as all
/// requests'.
constexpr float requestMemory = 24, requestWeight = 2;

} // namespace

int32_t AcceptanceModel::addKinds(const std::vector<float> &priors) {
  const auto first = static_cast<int32_t>(counts.size());
  for (float prior : priors)
    counts.push_back({prior, prior});
  return first;
}

void AcceptanceModel::record(int32_t kind, bool accepted) {
  Count &count = counts[kind];
  count.accepted += accepted;
  ++count.total;
  if (count.total > memory) {
    count.accepted /= 2;
    count.total /= 2;
  }
  count.estimate = (count.accepted + priorWeight * count.prior) / (count.total + priorWeight);
}

void RequestAcceptance::record(const DraftTree &tree, std::span<const int32_t> path) {
  int32_t node = 0;
  for (size_t i = 0; i < path.size() && node >= 0; ++i) {
    int32_t next = -1;
    for (int32_t child = tree.firstChild(node); child >= 0; child = tree.nextSibling(child)) {
      const bool right = tree[child].token == path[i];
      expected += shared.probability(tree[child].kind);
      accepted += right;
      shared.record(tree[child].kind, right);
      if (right)
        next = child;
    }
    node = next;
  }
  if (expected > requestMemory) {
    expected /= 2;
    accepted /= 2;
  }
  scale = (accepted + requestWeight) / (expected + requestWeight);
}

} // namespace yoke
