#include "runtime/Speculation/SuffixAutomaton.h"

namespace yoke {
namespace {

/// Suffixes whose occurrences are counted with each token, longest first: repetitive text has as many as tokens.
constexpr int countedSuffixes = 32;

} // namespace

SuffixAutomaton::SuffixAutomaton() { addState(0, -1, 0); }

int32_t SuffixAutomaton::addState(int32_t length, int32_t link, int32_t occurrences) {
  states.push_back({length, link, -1, occurrences});
  return static_cast<int32_t>(states.size()) - 1;
}

void SuffixAutomaton::addEdge(int32_t state, int32_t token, int32_t target) {
  const auto index = static_cast<int32_t>(edges.size());
  edges.push_back({token, target, states[state].firstEdge});
  states[state].firstEdge = index;
  edgeOf.emplace(key(state, token), index);
}

int32_t *SuffixAutomaton::findEdge(int32_t state, int32_t token) {
  auto found = edgeOf.find(key(state, token));
  return found == edgeOf.end() ? nullptr : &edges[found->second].target;
}

void SuffixAutomaton::append(int32_t token) {
  const int32_t added = addState(states[last].length + 1, 0, 0);
  int32_t from = last;
  last = added;
  int32_t *target = nullptr;
  for (; from >= 0 && !(target = findEdge(from, token)); from = states[from].link)
    addEdge(from, token, added);
  if (from >= 0) {
    const int32_t old = *target;
    int32_t link = old;
    if (states[old].length != states[from].length + 1) {
      // The substrings up to this length now end in one more place than the longer ones of the state: they part.
      link = addState(states[from].length + 1, states[old].link, states[old].occurrences);
      for (int32_t e = states[old].firstEdge; e >= 0; e = edges[e].next)
        addEdge(link, edges[e].token, edges[e].target);
      for (; from >= 0; from = states[from].link) {
        int32_t *redirected = findEdge(from, token);
        if (!redirected || *redirected != old)
          break;
        *redirected = link;
      }
      states[old].link = link;
    }
    states[added].link = link;
  }
  int32_t state = added;
  for (int i = 0; i < countedSuffixes && state > 0; ++i, state = states[state].link)
    ++states[state].occurrences;
}

} // namespace yoke
