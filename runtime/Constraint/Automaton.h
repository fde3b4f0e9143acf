#pragma once

#include "runtime/Constraint/Pattern.h"

#include <array>
#include <map>

namespace yoke {

/// A deterministic automaton over the bytes of UTF-8 text, built as it is walked (subset construction, McNaughton and
/// Yamada, 1960). From every state but `dead` a matching text can be reached.
class Automaton {
public:
  using State = int32_t;
  static constexpr State start = 0, dead = -1;

  /// Error: Malformed (a pattern that needs more than 200,000 positions).
  static Result<Automaton> build(const PatternNode &pattern);

  /// Error: Resources (more than `maxStates`).
  Result<State> next(State state, uint8_t byte);
  bool accepts(State state) const { return states[static_cast<size_t>(state)].accepts; }

  static constexpr size_t maxStates = 50'000;

private:
  struct Arc {
    uint8_t low, high;
    int32_t target;
  };
  /// Of the non-deterministic automaton (Thompson, 1968).
  struct Position {
    std::vector<Arc> arcs;
    std::vector<int32_t> empty; ///< reached without a byte
  };
  struct Subset {
    std::vector<int32_t> positions; ///< sorted, with arcs or accepting
    bool accepts;
    std::array<int32_t, 256> targets; ///< unknown until asked for
  };
  static constexpr int32_t unknown = -2;

  Automaton() = default;
  Result<int32_t> addPosition();
  Result<int32_t> compile(const PatternNode &node, int32_t from);
  Status compileSet(const PatternNode &node, int32_t from, int32_t to);
  Status compileRange(uint32_t low, uint32_t high, int32_t from, int32_t to);
  void close(std::vector<int32_t> &positions) const;
  Result<State> intern(std::vector<int32_t> positions);

  std::vector<Position> positions;
  int32_t final = 0;
  std::vector<Subset> states;
  std::map<std::vector<int32_t>, State> numbers;
};

} // namespace yoke
