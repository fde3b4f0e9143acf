#include "runtime/Speculation/SuffixDrafter.h"

#include <algorithm>
#include <array>

namespace yoke {
namespace {

constexpr int32_t lengthClasses = 6, shareClasses = 4, depthClasses = 2;
/// Suffixes tried at each node, and continuations looked at for each.
constexpr int suffixesTried = 3, edgesTried = 32, guessesPerNode = 4;

int32_t lengthClass(int32_t length) {
  constexpr std::array<int32_t, lengthClasses - 1> limits = {1, 2, 3, 5, 9};
  return static_cast<int32_t>(std::ranges::lower_bound(limits, length) - limits.begin());
}

int32_t shareClass(int32_t count, int32_t total) {
  if (count >= total)
    return total > 1 ? 3 : 2;
  return 2 * count > total ? 1 : 0;
}

struct Continuation {
  int32_t token, state, count;
};

} // namespace

int32_t SuffixDrafter::addKinds(AcceptanceModel &acceptance) {
  constexpr std::array<float, shareClasses> byShare = {0.15f, 0.4f, 0.55f, 0.7f};
  std::vector<float> priors;
  for (int32_t length = 0; length < lengthClasses; ++length)
    for (float share : byShare)
      for (int32_t depth = 0; depth < depthClasses; ++depth)
        priors.push_back(std::min(0.9f, share * (0.4f + 0.2f * static_cast<float>(length + depth))));
  return acceptance.addKinds(priors);
}

void SuffixDrafter::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  for (; seen < history.size(); ++seen)
    automaton.append(history[seen]);
  struct Place {
    int32_t state, length;
  };
  auto expand = [&](Place place, int32_t depth, auto &&emit) {
    std::array<Continuation, suffixesTried * edgesTried> found;
    std::vector<int32_t> emitted;
    for (int tried = 0; tried < suffixesTried && place.length > 0; ++tried) {
      int count = 0, total = 0;
      for (int32_t e = automaton.firstEdge(place.state); e >= 0 && count < edgesTried; e = automaton.edge(e).next) {
        const SuffixAutomaton::Edge &edge = automaton.edge(e);
        found[count++] = {edge.token, edge.target, automaton.occurrences(edge.target)};
        total += found[count - 1].count;
      }
      std::sort(found.begin(), found.begin() + count, [](const Continuation &a, const Continuation &b) {
        return a.count != b.count ? a.count > b.count : a.token < b.token;
      });
      for (int i = 0; i < std::min(count, guessesPerNode); ++i) {
        const Continuation &next = found[i];
        if (std::ranges::find(emitted, next.token) != emitted.end())
          continue;
        emitted.push_back(next.token);
        const int32_t kind =
            (lengthClass(std::min(place.length, maxSuffix)) * shareClasses + shareClass(next.count, total)) *
                depthClasses +
            (depth > 1);
        emit(next.token, firstKind + kind, Place{next.state, place.length + 1});
      }
      place.state = automaton.link(place.state);
      place.length = place.state < 0 ? 0 : automaton.length(place.state);
    }
  };
  const int32_t start = automaton.suffix();
  expandBestFirst(tree, acceptance, limits, Place{start, automaton.length(start)}, expand);
}

} // namespace yoke
