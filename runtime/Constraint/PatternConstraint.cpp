#include "runtime/Constraint/PatternConstraint.h"

#include <algorithm>

namespace yoke {

Result<std::unique_ptr<Constraint>> PatternConstraint::create(std::string_view pattern, const Tokenizer &tokenizer) {
  Automaton automaton = YOKE_TRY(Automaton::build(YOKE_TRY(parsePattern(pattern))));
  return std::unique_ptr<Constraint>(new PatternConstraint(std::move(automaton), TokenBytes(tokenizer)));
}

Result<std::span<const uint64_t>> PatternConstraint::allowed(State state) {
  auto [mask, isNew] = masks.try_emplace(state);
  if (isNew) {
    std::vector<uint64_t> words((static_cast<size_t>(vocabulary.size()) + 63) / 64, 0);
    if (Status marked = mark(words, state, 0, vocabulary.entries().size(), 0); !marked) {
      masks.erase(mask);
      return tl::unexpected<Error>(marked.error());
    }
    mask->second = std::move(words);
  }
  return std::span<const uint64_t>(mask->second);
}

/// Entries [begin, end) have the same first `depth` bytes, which led to `state`.
Status PatternConstraint::mark(std::vector<uint64_t> &words, State state, size_t begin, size_t end, size_t depth) {
  const std::span<const TokenBytes::Entry> entries = vocabulary.entries();
  for (; begin < end && entries[begin].bytes.size() == depth; ++begin)
    words[static_cast<size_t>(entries[begin].token) / 64] |= uint64_t(1) << (entries[begin].token % 64);
  while (begin < end) {
    const auto byte = static_cast<uint8_t>(entries[begin].bytes[depth]);
    const auto other =
        std::upper_bound(entries.begin() + static_cast<ptrdiff_t>(begin), entries.begin() + static_cast<ptrdiff_t>(end),
                         byte, [&](uint8_t value, const TokenBytes::Entry &entry) {
                           return value < static_cast<uint8_t>(entry.bytes[depth]);
                         });
    const auto next = static_cast<size_t>(other - entries.begin());
    if (const State target = YOKE_TRY(automaton.next(state, byte)); target != Automaton::dead)
      YOKE_TRY(mark(words, target, begin, next, depth + 1));
    begin = next;
  }
  return {};
}

Constraint::State PatternConstraint::next(State state, int32_t token) {
  // Allowed tokens were walked by `allowed`, so no state is new here.
  for (char byte : vocabulary.bytes(token))
    state = automaton.next(state, static_cast<uint8_t>(byte)).value_or(state);
  return state;
}

} // namespace yoke
