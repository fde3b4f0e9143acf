#include "runtime/Speculation/AdaptiveTrigrams.h"

#include "runtime/Philox.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace yoke {
namespace {

constexpr int32_t shareClasses = 4, weightClasses = 3, depthClasses = 2;

/// The release's constants: tri-grams of the last tokens gain weight before each draft.
constexpr size_t window = 16;
constexpr float increment = 0.04f;
/// Of the search: iterations, guesses on a branch, prefixes kept, exploration.
constexpr int searchIterations = 150, searchDepth = 3, searchPrefixes = 24;
constexpr double exploration1 = 32, exploration2 = 8;

float total(std::span<const TrigramTable::Successor> successors) {
  float sum = 0;
  for (const TrigramTable::Successor &successor : successors)
    sum += successor.weight;
  return sum;
}

int32_t classOf(float value, std::initializer_list<float> limits) {
  return static_cast<int32_t>(std::upper_bound(limits.begin(), limits.end(), value) - limits.begin());
}

/// A node of the Monte-Carlo search: a guess after `first`.
struct SearchNode {
  int32_t parent, first, token, rank, depth;
  double weight;
  int32_t firstChild = -1, children = 0;
  double score = 0;
  int visits = 0;
};

} // namespace

int32_t AdaptiveTrigrams::addKinds(AcceptanceModel &acceptance) {
  constexpr std::array<float, shareClasses> byShare = {0.06f, 0.2f, 0.4f, 0.55f};
  std::vector<float> priors;
  for (float share : byShare)
    for (int32_t weight = 0; weight < weightClasses; ++weight)
      for (int32_t depth = 0; depth < depthClasses; ++depth)
        priors.push_back(share * (0.7f + 0.3f * static_cast<float>(weight)));
  return acceptance.addKinds(priors);
}

int32_t AdaptiveTrigrams::kind(std::span<const TrigramTable::Successor> successors, size_t rank, int32_t depth) const {
  const float weight = successors[rank].weight;
  const int32_t share = classOf(weight / total(successors), {0.15f, 0.4f, 0.75f});
  return firstKind + (share * weightClasses + classOf(weight, {0.1f, 0.5f})) * depthClasses + (depth > 1);
}

void AdaptiveTrigrams::observe(std::span<const int32_t> history) {
  // Each tri-gram counts once for each draft during which it lies in the window; all of a prompt is seen once.
  const size_t begin = std::min(seen, history.size() - std::min(history.size(), window));
  for (size_t i = std::max<size_t>(begin, 2); i < history.size(); ++i)
    table.add(history[i - 2], history[i - 1], history[i], increment);
  seen = history.size();
}

void AdaptiveTrigrams::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  observe(history);
  if (history.size() < 2)
    return;
  const int32_t before = history[history.size() - 2];
  if (monteCarlo)
    searchMonteCarlo(before, limits, tree);
  else
    searchBestFirst(before, limits, tree);
}

void AdaptiveTrigrams::searchBestFirst(int32_t before, const DraftLimits &limits, DraftTree &tree) const {
  struct Pair {
    int32_t first, second;
  };
  expandBestFirst(tree, acceptance, limits, Pair{before, tree[0].token}, [&](Pair pair, int32_t depth, auto &&emit) {
    const auto successors = table.of(pair.first, pair.second);
    for (size_t rank = 0; rank < successors.size(); ++rank)
      emit(successors[rank].token, kind(successors, rank, depth), Pair{pair.second, successors[rank].token});
  });
}

void AdaptiveTrigrams::searchMonteCarlo(int32_t before, const DraftLimits &limits, DraftTree &tree) {
  std::vector<SearchNode> nodes = {{-1, before, tree[0].token, 0, 0, 0}};
  auto successorsOf = [&](const SearchNode &node) { return table.of(node.first, node.token); };
  auto preference = [&](const SearchNode &node, double parentVisits) {
    const double bonus = (exploration1 + std::log((parentVisits + exploration2 + 1) / exploration2)) * node.weight *
                         std::sqrt(parentVisits) / (1 + node.visits);
    return node.score / node.visits + bonus;
  };
  auto select = [&](int32_t parent) {
    const SearchNode &node = nodes[parent];
    int32_t best = node.firstChild;
    for (int32_t child = node.firstChild; child < node.firstChild + node.children; ++child) {
      if (nodes[child].visits == 0)
        return child;
      if (preference(nodes[child], node.visits) > preference(nodes[best], node.visits))
        best = child;
    }
    return best;
  };
  const uint64_t stream = searches++;
  uint64_t draws = 0;
  for (int iteration = 0; iteration < searchIterations; ++iteration) {
    int32_t current = 0;
    double reward = 1;
    while (nodes[current].children > 0) {
      current = select(current);
      reward += nodes[current].weight;
    }
    if (nodes[current].depth < searchDepth) {
      const SearchNode parent = nodes[current];
      const auto successors = successorsOf(parent);
      nodes[current].firstChild = static_cast<int32_t>(nodes.size());
      nodes[current].children = static_cast<int32_t>(successors.size());
      for (size_t rank = 0; rank < successors.size(); ++rank)
        nodes.push_back({current, parent.token, successors[rank].token, static_cast<int32_t>(rank), parent.depth + 1,
                         successors[rank].weight});
    }
    // A random walk from there, by weight.
    int32_t first = nodes[current].first, second = nodes[current].token;
    for (int32_t depth = nodes[current].depth; depth < searchDepth; ++depth) {
      const auto successors = table.of(first, second);
      if (successors.empty())
        break;
      double left = philoxUniform(0, stream, draws++) * total(successors);
      size_t rank = 0;
      while (rank + 1 < successors.size() && (left -= successors[rank].weight) > 0)
        ++rank;
      reward += successors[rank].weight;
      first = second;
      second = successors[rank].token;
    }
    for (int32_t node = current; node >= 0; node = nodes[node].parent) {
      nodes[node].score += reward;
      ++nodes[node].visits;
    }
  }
  std::vector<int32_t> order;
  for (int32_t node = 1; node < static_cast<int32_t>(nodes.size()); ++node)
    if (nodes[node].visits > 0)
      order.push_back(node);
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    return nodes[a].visits != nodes[b].visits ? nodes[a].visits > nodes[b].visits : a < b;
  });
  order.resize(std::min<size_t>(order.size(), searchPrefixes));
  // A node is visited at least as often as its children, and stands before them.
  std::vector<int32_t> place(nodes.size(), -1);
  place[0] = 0;
  auto add = [&](int32_t parentPlace, const SearchNode &parent, size_t rank) {
    const auto successors = successorsOf(parent);
    const int32_t guess = kind(successors, rank, parent.depth + 1);
    return tree.add(parentPlace, successors[rank].token, guess, acceptance.probability(guess));
  };
  for (int32_t node : order) {
    const SearchNode &found = nodes[node];
    if (place[found.parent] < 0 || found.depth > limits.depth || tree.size() > limits.nodes)
      continue;
    place[node] = add(place[found.parent], nodes[found.parent], found.rank);
    if (found.depth < limits.depth && tree.size() <= limits.nodes && !successorsOf(found).empty())
      add(place[node], found, 0);
  }
}

} // namespace yoke
