#include "runtime/Speculation/Heads/LevelDrafter.h"

#include <algorithm>
#include <chrono>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

/// Nodes of one depth that are evaluated, and guesses below each of them that are considered.
constexpr size_t beam = 4;
constexpr int32_t width = 8;
/// The share of guesses that is usually accepted, before kinds are known.
constexpr float usualAcceptance = 0.6f;

} // namespace

void PendingRows::read(int64_t start, std::span<const float> newRows) {
  if (start < begin) {
    begin = start;
    rows.clear();
  }
  rows.resize(std::min<size_t>(rows.size(), (start - begin) * columns));
  rows.insert(rows.end(), newRows.begin(), newRows.end());
}

/// Whether evaluating one more depth is expected to save more than it costs.
bool LevelDrafter::pays(const DraftTree &tree, std::span<const int32_t> nodes) const {
  float reached = 0;
  for (int32_t node : nodes)
    reached += tree[node].probability;
  return reached * usualAcceptance * cost.plainSeconds() > levelSeconds;
}

void LevelDrafter::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  if (!begin(history))
    return;
  const bool everything = limits.minProbability == 0;
  std::vector<int32_t> nodes = {0};
  for (int32_t depth = 0; depth < std::min(limits.depth, depths()); ++depth) {
    if (nodes.empty() || tree.size() > limits.nodes || (!everything && depth > 0 && !pays(tree, nodes)))
      return;
    const auto start = Clock::now();
    const std::span<const float> logits = evaluate(tree, nodes);
    if (logits.empty())
      return;
    nodes = expand(tree, nodes, logits, limits);
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    if (depth > 0)
      levelSeconds += (taken - levelSeconds) / (levelSeconds == 0 ? 1 : 16);
  }
}

/// Adds the guesses below `nodes`; returns those to evaluate next.
std::vector<int32_t> LevelDrafter::expand(DraftTree &tree, std::span<const int32_t> nodes,
                                          std::span<const float> logits, const DraftLimits &limits) {
  struct Candidate {
    int32_t parent, token, kind;
    float acceptance, probability;
  };
  std::vector<Candidate> candidates;
  const size_t vocabulary = logits.size() / nodes.size();
  for (size_t i = 0; i < nodes.size(); ++i) {
    bestGuesses(heads, logits.subspan(i * vocabulary, vocabulary), width, guesses);
    for (const HeadGuess &guess : guesses) {
      const int32_t kind = kinds.kind(guess.share, tree[nodes[i]].depth + 1);
      const float accepted = acceptance.probability(kind), probability = tree[nodes[i]].probability * accepted;
      if (probability >= limits.minProbability)
        candidates.push_back({nodes[i], guess.token, kind, accepted, probability});
    }
  }
  std::ranges::sort(candidates, [](const Candidate &a, const Candidate &b) {
    return a.probability != b.probability ? a.probability > b.probability
                                          : std::pair(a.parent, a.token) < std::pair(b.parent, b.token);
  });
  std::vector<int32_t> next;
  for (const Candidate &candidate : candidates) {
    if (tree.size() > limits.nodes)
      break;
    const int32_t node = tree.add(candidate.parent, candidate.token, candidate.kind, candidate.acceptance);
    if (next.size() < beam)
      next.push_back(node);
  }
  // Parents before children, as in the tree.
  std::ranges::sort(next);
  next.erase(std::ranges::unique(next).begin(), next.end());
  return next;
}

} // namespace yoke
