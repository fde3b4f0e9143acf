#pragma once

#include "Tokenizer/Tokenizer.h"
#include "runtime/Constraint/Constraint.h"

#include <map>

namespace yoke {

/// Texts that occur in a corpus, as SEAL's constrained decoding (Bevilacqua et al., "Autoregressive Search Engines",
/// 2022): what may come is what follows the text so far somewhere in a document; the text may end anywhere but at its
/// beginning. Each line is a document. The index is a suffix array in which the interval of the text so far is narrowed
/// token by token.
class CorpusConstraint final : public Constraint {
public:
  /// Tokens after which a text has to end: suffixes are sorted by so many.
  static constexpr int32_t longest = 256;

  /// Errors: Malformed (no text), those of Tokenizer::encode.
  static Result<std::unique_ptr<Constraint>> create(std::string_view corpus, const Tokenizer &tokenizer,
                                                    std::string_view source);
  /// `documents`: tokens, -1 after each document.
  explicit CorpusConstraint(std::vector<int32_t> documents);

  Result<std::span<const uint64_t>> allowed(State state) override;
  State next(State state, int32_t token) override;
  bool mayEnd(State state) override { return states[static_cast<size_t>(state)].depth > 0; }
  /// How often the text occurs.
  int64_t occurrences(State state) const;

private:
  /// Suffixes [begin, end) of the array begin with the text.
  struct Interval {
    int32_t begin, end, depth;
    auto operator<=>(const Interval &) const = default;
  };
  int32_t tokenAt(int32_t suffix, int32_t depth) const;
  int32_t endOf(const Interval &interval, int32_t begin, int32_t token) const;

  std::vector<int32_t> tokens;
  std::vector<int32_t> suffixes;
  std::vector<Interval> states;
  std::map<Interval, State> numbers;
  std::vector<uint64_t> words;
};

} // namespace yoke
