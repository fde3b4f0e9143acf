#include "runtime/Speculation/DraftTree.h"

#include <algorithm>
#include <numeric>

namespace yoke {

void DraftTree::reset(int32_t root) {
  nodes.assign(1, {root, -1, 0, -1, 1});
  links.assign(1, {});
}

int32_t DraftTree::add(int32_t parent, int32_t token, int32_t kind, float acceptance) {
  const float probability = nodes[parent].probability * std::clamp(acceptance, 0.0f, 1.0f);
  if (int32_t found = child(parent, token); found >= 0) {
    if (probability > nodes[found].probability) {
      nodes[found].probability = probability;
      nodes[found].kind = kind;
    }
    return found;
  }
  const int32_t index = size();
  nodes.push_back({token, parent, nodes[parent].depth + 1, kind, probability});
  links.push_back({});
  Links &family = links[parent];
  (family.lastChild < 0 ? family.firstChild : links[family.lastChild].nextSibling) = index;
  family.lastChild = index;
  return index;
}

int32_t DraftTree::child(int32_t parent, int32_t token) const {
  for (int32_t i = firstChild(parent); i >= 0; i = nextSibling(i))
    if (nodes[i].token == token)
      return i;
  return -1;
}

std::vector<int32_t> DraftTree::byProbability() const {
  std::vector<int32_t> order(nodes.size() - 1);
  std::iota(order.begin(), order.end(), 1);
  // Parents are at least as probable as children and stand before them, so that every prefix is a tree.
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    return nodes[a].probability != nodes[b].probability ? nodes[a].probability > nodes[b].probability : a < b;
  });
  return order;
}

DraftTree DraftTree::best(int32_t guesses) const {
  std::vector<uint8_t> keep(nodes.size());
  std::vector<int32_t> order = byProbability();
  order.resize(std::min<size_t>(order.size(), guesses));
  for (int32_t i : order)
    keep[i] = 1;
  // Children of a node are pushed from the least to the most probable, which is then taken first.
  std::vector<std::vector<int32_t>> kept(nodes.size());
  for (auto it = order.rbegin(); it != order.rend(); ++it)
    kept[nodes[*it].parent].push_back(*it);
  DraftTree result(nodes[0].token);
  std::vector<int32_t> place(nodes.size(), 0), pending = kept[0];
  while (!pending.empty()) {
    const int32_t old = pending.back();
    pending.pop_back();
    const DraftNode &node = nodes[old];
    const float parentProbability = nodes[node.parent].probability;
    const float acceptance = parentProbability > 0 ? node.probability / parentProbability : 0;
    place[old] = result.add(place[node.parent], node.token, node.kind, acceptance);
    pending.insert(pending.end(), kept[old].begin(), kept[old].end());
  }
  return result;
}

} // namespace yoke
