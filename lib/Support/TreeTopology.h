// Shapes of draft trees that are fixed before tokens are known.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace yoke {

/// A tree of ranks: the children of a node are its best, second-best, ... successors. Node 0 is the root; nodes are
/// sorted by depth, then by path.
struct TreeTopology {
  static constexpr int32_t maxNodes = 1024;

  std::vector<int32_t> parents; ///< -1 for the root
  std::vector<int32_t> depths;
  std::vector<int32_t> ranks; ///< from 0; -1 for the root

  /// From paths of ranks, one per node but the root, in any order. Error (Malformed): a path whose prefix is missing,
  /// twice the same path, negative ranks, more than maxNodes nodes.
  static Result<TreeTopology> fromPaths(std::vector<std::vector<int32_t>> paths);
  /// From the number of children of each node in the tree's order; the children of a node have ranks 0, 1, ....
  static TreeTopology fromChildCounts(std::span<const int8_t> counts);
  /// JSON: a list of paths, as Medusa's tree choices. `source` names it in messages. Errors as fromPaths.
  static Result<TreeTopology> parse(std::string_view json, std::string_view source);

  int32_t size() const { return static_cast<int32_t>(parents.size()); }
  int32_t leaves() const;
  /// Nodes of each depth below the root.
  std::vector<int32_t> nodesPerDepth() const;
  /// For each node the place of its token in a list of the root and, depth after depth, `width` candidates each.
  std::vector<int32_t> candidateIndices(int32_t width) const;
};

/// Bit j of row i is set when node j is node i or one of its ancestors. Rows of (size + 63) / 64 words.
std::vector<uint64_t> ancestorMask(std::span<const int32_t> parents);

/// 80 guesses over six depths (Luo et al., "Turning Trash into Treasure", 2024: their template 2.2.2).
const TreeTopology &tokenRecyclingTopology();
/// 63 guesses over four depths (Cai et al., "Medusa", 2024: mc_sim_7b_63).
const TreeTopology &medusaTopology();
/// The published tree of this name: "token_recycling", "mc_sim_7b_63"; null when none is called so.
const TreeTopology *namedTopology(std::string_view name);

} // namespace yoke
