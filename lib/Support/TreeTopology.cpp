#include "Support/TreeTopology.h"

#include "Support/Json.h"

#include <algorithm>
#include <map>

namespace yoke {

Result<TreeTopology> TreeTopology::fromPaths(std::vector<std::vector<int32_t>> paths) {
  if (paths.size() >= static_cast<size_t>(maxNodes))
    return malformed("a tree of {} paths: at most {} are allowed", paths.size(), maxNodes - 1);
  std::ranges::sort(paths,
                    [](const auto &a, const auto &b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
  TreeTopology tree{{-1}, {0}, {-1}};
  std::map<std::vector<int32_t>, int32_t> nodes = {{{}, 0}};
  for (const std::vector<int32_t> &path : paths) {
    const std::string text = fmt::format("[{}]", fmt::join(path, ", "));
    if (path.empty())
      return malformed("path [] is the root, which is not listed");
    if (path.back() < 0)
      return malformed("path {}: ranks must be at least 0", text);
    const auto parent = nodes.find({path.begin(), path.end() - 1});
    if (parent == nodes.end())
      return malformed("path {}: its parent is not in the tree", text);
    if (!nodes.emplace(path, tree.size()).second)
      return malformed("path {} is listed twice", text);
    tree.parents.push_back(parent->second);
    tree.depths.push_back(static_cast<int32_t>(path.size()));
    tree.ranks.push_back(path.back());
  }
  return tree;
}

TreeTopology TreeTopology::fromChildCounts(std::span<const int8_t> counts) {
  TreeTopology tree{{-1}, {0}, {-1}};
  for (int32_t node = 0; node < static_cast<int32_t>(counts.size()); ++node)
    for (int32_t rank = 0; rank < counts[node]; ++rank) {
      tree.parents.push_back(node);
      tree.depths.push_back(tree.depths[node] + 1);
      tree.ranks.push_back(rank);
    }
  return tree;
}

Result<TreeTopology> TreeTopology::parse(std::string_view json, std::string_view source) {
  Json document = YOKE_TRY(parseJson(json, source));
  if (!document.is_array())
    return malformed("{}: a tree is a list of paths, lists of ranks", source);
  std::vector<std::vector<int32_t>> paths;
  for (const Json &entry : document) {
    std::vector<int32_t> path;
    if (!entry.is_array() || entry.size() > 64)
      return malformed("{}: path {} is not a list of at most 64 ranks", source, paths.size());
    for (const Json &rank : entry) {
      if (!rank.is_number_integer() || rank < 0 || rank > maxNodes)
        return malformed("{}: path {}: ranks are integers from 0 to {}", source, paths.size(), maxNodes);
      path.push_back(rank.get<int32_t>());
    }
    paths.push_back(std::move(path));
  }
  auto tree = fromPaths(std::move(paths));
  if (!tree)
    return malformed("{}: {}", source, tree.error().message);
  return tree;
}

int32_t TreeTopology::leaves() const {
  std::vector<uint8_t> inner(parents.size());
  for (size_t i = 1; i < parents.size(); ++i)
    inner[parents[i]] = 1;
  return static_cast<int32_t>(std::ranges::count(inner, 0));
}

std::vector<int32_t> TreeTopology::nodesPerDepth() const {
  std::vector<int32_t> result(std::ranges::max(depths));
  for (size_t i = 1; i < depths.size(); ++i)
    ++result[depths[i] - 1];
  return result;
}

std::vector<int32_t> TreeTopology::candidateIndices(int32_t width) const {
  std::vector<int32_t> result = {0};
  for (size_t i = 1; i < parents.size(); ++i)
    result.push_back(1 + width * (depths[i] - 1) + ranks[i]);
  return result;
}

std::vector<uint64_t> ancestorMask(std::span<const int32_t> parents) {
  const size_t words = (parents.size() + 63) / 64;
  std::vector<uint64_t> mask(parents.size() * words);
  for (size_t i = 0; i < parents.size(); ++i) {
    uint64_t *row = mask.data() + i * words;
    if (parents[i] >= 0)
      std::copy_n(mask.data() + parents[i] * words, words, row);
    row[i / 64] |= uint64_t(1) << (i % 64);
  }
  return mask;
}

const TreeTopology &tokenRecyclingTopology() {
  static const int8_t counts[] = {8,                                                                         //
                                  8, 4, 3, 2, 1, 1, 1, 1,                                                    //
                                  8, 3, 2, 1, 1, 1, 1, 1, 2, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0,             //
                                  5, 2, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, //
                                  3, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0,                               //
                                  2, 0, 0, 1, 0, 0, 0, 0};
  static const TreeTopology tree = TreeTopology::fromChildCounts(counts);
  return tree;
}

const TreeTopology &medusaTopology() {
  static const int8_t counts[] = {10,                            //
                                  10, 7, 3, 2, 1, 1, 1, 1, 1, 1, //
                                  10, 3, 2, 1, 1, 1, 1, 1, 0, 0, 2, 0, 0, 0,
                                  0,  0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
                                  2};
  static const TreeTopology tree = TreeTopology::fromChildCounts(counts);
  return tree;
}

const TreeTopology *namedTopology(std::string_view name) {
  if (name == "token_recycling")
    return &tokenRecyclingTopology();
  return name == "mc_sim_7b_63" ? &medusaTopology() : nullptr;
}

} // namespace yoke
