#include "runtime/Speculation/TokenRecycling.h"

#include <algorithm>
#include <array>

namespace yoke {

int32_t TokenRecycling::addKinds(AcceptanceModel &acceptance) {
  constexpr std::array<float, SuccessorTable::width> byRank = {0.45f, 0.15f, 0.08f, 0.05f, 0.04f, 0.03f, 0.03f, 0.02f};
  std::vector<float> priors;
  for (int32_t rank = 0; rank < SuccessorTable::width; ++rank)
    for (int32_t margin = 0; margin < SuccessorTable::marginClasses; ++margin)
      for (int32_t deeper = 0; deeper < 2; ++deeper) {
        // A clear margin speaks for the best successor and against the others.
        const float weight =
            rank == 0 ? 0.6f + 0.25f * static_cast<float>(margin) : 1.6f - 0.45f * static_cast<float>(margin);
        priors.push_back(byRank[rank] * weight);
      }
  return acceptance.addKinds(priors);
}

TokenRecycling::TokenRecycling(const TreeTopology &topology, SuccessorTable &table, const RequestAcceptance &acceptance,
                               int32_t firstKind)
    : topology(topology), children(topology.size()), table(table), acceptance(acceptance), firstKind(firstKind) {
  for (int32_t node = 1; node < topology.size(); ++node)
    if (topology.ranks[node] < SuccessorTable::width)
      children[topology.parents[node]].push_back(node);
}

void TokenRecycling::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  for (; seen + 1 < history.size(); ++seen)
    table.observe(history[seen], history[seen + 1]);
  struct Place {
    int32_t node, token;
  };
  expandBestFirst(tree, acceptance, limits, Place{0, history.back()}, [&](Place place, int32_t depth, auto &&emit) {
    const auto successors = table.of(place.token);
    for (int32_t child : children[place.node]) {
      const int32_t rank = topology.ranks[child];
      const SuccessorTable::Successor &next = successors[rank];
      if (next.token < 0)
        continue;
      const int32_t kind = (rank * SuccessorTable::marginClasses + next.margin) * 2 + (depth > 1);
      emit(next.token, firstKind + kind, Place{child, next.token});
    }
  });
}

void TokenRecycling::learn(const DraftTree &tree, std::span<const float> rows) {
  const size_t columns = rows.size() / tree.size();
  for (int32_t node = 0; node < tree.size(); ++node)
    table.learn(tree[node].token, rows.subspan(node * columns, columns));
}

void TokenRecycling::learn(const DraftTree &tree, const BestTokens &best) {
  if (best.width < SuccessorTable::width)
    return;
  for (int32_t node = 0; node < tree.size(); ++node)
    table.learn(tree[node].token, best.logits.subspan(node * best.width, best.width),
                best.tokens.subspan(node * best.width, best.width));
}

} // namespace yoke
