// What guesses tokens: one Drafter per request, each a few kinds of guesses.
#pragma once

#include "runtime/Speculation/AcceptanceModel.h"
#include "runtime/Speculation/DraftTree.h"

#include <queue>

namespace yoke {

struct DraftLimits {
  int32_t nodes = 64; ///< guesses at most
  int32_t depth = 64; ///< guesses on one branch at most
  /// Guesses that are less probable are not worth finding.
  float minProbability = 0.02f;
};

/// The best next tokens of each node of a tree, best first: [nodes][width] each.
struct BestTokens {
  std::span<const float> logits;
  std::span<const int32_t> tokens; ///< -1 behind the last token of a finite logit
  int32_t width;
};

class Drafter {
public:
  virtual ~Drafter() = default;

  /// Adds guesses to `tree`, whose root is the last token of `history` (prompt and generated tokens; only ever grows
  /// during a request).
  virtual void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) = 0;
  /// Whether guesses take time to make: something is evaluated for them.
  virtual bool isCostly() const { return false; }
  /// Of a costly drafter: whether a guess of this kind is its own.
  virtual bool owns(int32_t /*kind*/) const { return false; }
  /// Whether `read` wants to be called.
  virtual bool readsFeatures() const { return false; }
  /// The features that the model gave for tokens start, start + 1, ... of the history, one row each, in the order of
  /// the text; what was read for these tokens and later ones before no longer counts.
  virtual void read(int64_t /*start*/, std::span<const float> /*rows*/) {}
  /// Whether `learn` wants to be called.
  virtual bool learns() const { return false; }
  /// The logits of all rows of a tree that was evaluated, accepted or not: [tree.size()][vocabulary].
  virtual void learn(const DraftTree &, std::span<const float>) {}
  /// The same, of the best tokens alone.
  virtual void learn(const DraftTree &, const BestTokens &) {}
};

/// Adds the most probable guesses to a tree. `expand(state, depth, emit)` finds what may follow a node: it calls
/// emit(token, kind, state of the new node) for each.
template <class State, class Expand>
void expandBestFirst(DraftTree &tree, const RequestAcceptance &acceptance, const DraftLimits &limits, State root,
                     Expand &&expand) {
  struct Candidate {
    float probability;
    uint32_t order;
    int32_t parent, token, kind;
    State state;
    bool operator<(const Candidate &other) const {
      return probability != other.probability ? probability < other.probability : order > other.order;
    }
  };
  std::priority_queue<Candidate> candidates;
  uint32_t order = 0;
  auto expandNode = [&](int32_t node, const State &state) {
    const DraftNode &parent = tree[node];
    if (parent.depth >= limits.depth)
      return;
    const float reached = parent.probability;
    expand(state, parent.depth + 1, [&](int32_t token, int32_t kind, State next) {
      const float probability = reached * acceptance.probability(kind);
      if (probability >= limits.minProbability)
        candidates.push({probability, order++, node, token, kind, std::move(next)});
    });
  };
  expandNode(0, root);
  for (int32_t added = 0; added < limits.nodes && !candidates.empty(); ++added) {
    const Candidate candidate = candidates.top();
    candidates.pop();
    const int32_t node =
        tree.add(candidate.parent, candidate.token, candidate.kind, acceptance.probability(candidate.kind));
    expandNode(node, candidate.state);
  }
}

} // namespace yoke
