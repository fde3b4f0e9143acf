#pragma once

#include "runtime/Constraint/Automaton.h"
#include "runtime/Constraint/Constraint.h"
#include "runtime/Constraint/TokenBytes.h"

#include <unordered_map>

namespace yoke {

/// Texts that match a pattern as a whole. A token is allowed when its bytes lead the automaton to a living state. What
/// is allowed in a state is found once, by walking the sorted vocabulary and leaving out everything below a dead end.
class PatternConstraint final : public Constraint {
public:
  /// Errors: those of parsePattern and Automaton::build.
  static Result<std::unique_ptr<Constraint>> create(std::string_view pattern, const Tokenizer &tokenizer);

  Result<std::span<const uint64_t>> allowed(State state) override;
  State next(State state, int32_t token) override;
  bool mayEnd(State state) override { return automaton.accepts(state); }

private:
  PatternConstraint(Automaton automaton, TokenBytes vocabulary)
      : automaton(std::move(automaton)), vocabulary(std::move(vocabulary)) {}
  Status mark(std::vector<uint64_t> &words, State state, size_t begin, size_t end, size_t depth);

  Automaton automaton;
  TokenBytes vocabulary;
  std::unordered_map<State, std::vector<uint64_t>> masks;
};

} // namespace yoke
