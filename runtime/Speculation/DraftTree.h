// A draft: a tree of guessed tokens below a token that is already decided.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace yoke {

struct DraftNode {
  int32_t token;
  int32_t parent; ///< earlier node, -1 for the root
  int32_t depth;  ///< edges to the root
  int32_t kind;   ///< what the guess rests on, a kind of the AcceptanceModel; -1 for the root
  /// Estimated probability that the node and all its ancestors are accepted; never above its parent's.
  float probability;
};

/// Nodes in an order that lists parents before children. Node 0 is the root, the last decided token. Siblings have
/// different tokens.
class DraftTree {
public:
  explicit DraftTree(int32_t root = 0) { reset(root); }

  void reset(int32_t root);
  /// Adds a guess below `parent`; `acceptance` is its probability given that `parent` is accepted. A guess that is
  /// there already keeps the better of the two estimates. Returns its index.
  int32_t add(int32_t parent, int32_t token, int32_t kind, float acceptance);
  /// The child of `parent` with this token, -1 when there is none.
  int32_t child(int32_t parent, int32_t token) const;

  const DraftNode &operator[](int32_t index) const { return nodes[index]; }
  int32_t size() const { return static_cast<int32_t>(nodes.size()); }
  int32_t firstChild(int32_t node) const { return links[node].firstChild; }
  int32_t nextSibling(int32_t node) const { return links[node].nextSibling; }

  /// The root and the `guesses` most probable nodes, branch after branch, the most probable branch first: its nodes
  /// lie where they would be without a tree, so that accepting it moves nothing.
  DraftTree best(int32_t guesses) const;
  /// Guesses in the order in which `best` takes them.
  std::vector<int32_t> byProbability() const;

private:
  struct Links {
    int32_t firstChild = -1, lastChild = -1, nextSibling = -1;
  };
  std::vector<DraftNode> nodes;
  std::vector<Links> links;
};

} // namespace yoke
