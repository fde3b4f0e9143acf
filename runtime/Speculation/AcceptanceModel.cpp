#include "runtime/Speculation/AcceptanceModel.h"

#include "runtime/Speculation/DraftTree.h"

namespace yoke {
namespace {

/// Observations that a prior is worth.
constexpr float priorWeight = 4;
/// Beyond so many observations older ones fade.
constexpr float memory = 128;

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

void AcceptanceModel::record(const DraftTree &tree, const int32_t *path, int64_t length) {
  int32_t node = 0;
  for (int64_t i = 0; i < length && node >= 0; ++i) {
    int32_t next = -1;
    for (int32_t child = tree.firstChild(node); child >= 0; child = tree.nextSibling(child)) {
      const bool accepted = tree[child].token == path[i];
      record(tree[child].kind, accepted);
      if (accepted)
        next = child;
    }
    node = next;
  }
}

} // namespace yoke
