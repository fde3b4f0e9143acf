#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace yoke {

/// All substrings of a growing sequence (Blumer et al., 1985): a state stands for substrings that end at the same
/// places; what may follow them are its edges. Adding a token takes constant time on average.
class SuffixAutomaton {
public:
  SuffixAutomaton();

  void append(int32_t token);

  /// The longest suffix of the sequence that has occurred before with something after it; state 0 (length 0) when the
  /// last token is new.
  int32_t suffix() const { return states[last].link < 0 ? 0 : states[last].link; }
  /// Length of the longest substring of a state.
  int32_t length(int32_t state) const { return states[state].length; }
  /// The state of the longest shorter suffix that occurs in other places too; -1 for state 0.
  int32_t link(int32_t state) const { return states[state].link; }
  /// How often the state's substrings occur; an estimate from below for very short ones of very repetitive sequences.
  int32_t occurrences(int32_t state) const { return states[state].occurrences; }

  struct Edge {
    int32_t token, target, next;
  };
  /// Edges of a state are linked from firstEdge on by Edge::next, ended by -1.
  int32_t firstEdge(int32_t state) const { return states[state].firstEdge; }
  const Edge &edge(int32_t index) const { return edges[index]; }
  size_t stateCount() const { return states.size(); }

private:
  struct State {
    int32_t length, link, firstEdge, occurrences;
  };
  static uint64_t key(int32_t state, int32_t token) {
    return static_cast<uint64_t>(static_cast<uint32_t>(state)) << 32 | static_cast<uint32_t>(token);
  }
  int32_t addState(int32_t length, int32_t link, int32_t occurrences);
  void addEdge(int32_t state, int32_t token, int32_t target);
  int32_t *findEdge(int32_t state, int32_t token);

  std::vector<State> states;
  std::vector<Edge> edges;
  std::unordered_map<uint64_t, int32_t> edgeOf;
  int32_t last = 0;
};

} // namespace yoke
