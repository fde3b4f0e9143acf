// Regular expressions of tokenizer.json: Oniguruma with the Unicode classes of the reference implementation, and a
// bound on the work that a hostile pattern can cause.
#pragma once

#include "Support/Error.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Limits the processor time that the regular expressions of one call may take: a second, and ten microseconds for
/// every byte of text, which is far more than any sane pattern needs.
class RegexBudget {
public:
  explicit RegexBudget(size_t textBytes) : textBytes(textBytes) {}
  /// Whether the time is used up. The clock starts with the first call; it is looked at once in a while.
  bool exhausted();

private:
  size_t textBytes;
  uint32_t calls = 0;
  double deadline = 0;
};

/// A part of a text: either a match or what lies between two matches.
struct Stretch {
  size_t begin, end;
  bool isMatch;
};

/// A compiled pattern; searching from several threads at once is allowed.
class Regex {
public:
  /// `place` names file and key in messages. Errors: a pattern that Oniguruma refuses, or longer than 16 KiB.
  static Result<Regex> compile(std::string_view pattern, std::string_view place);
  /// Matches `text` itself. An empty text matches between all characters.
  static Result<Regex> literal(std::string_view text, std::string_view place);

  /// Cuts `text` (valid UTF-8) at all matches, from left to right, into stretches that cover it. An empty match right
  /// behind a match does not count. Error: the pattern needs too much time or memory ("regex budget").
  Status cut(std::string_view text, RegexBudget &budget, std::vector<Stretch> &stretches) const;

  /// The text of `literal`; empty for a true pattern.
  const std::string &literalText() const { return plain; }

private:
  struct Free {
    void operator()(void *compiled) const;
  };
  Regex() = default;
  std::unique_ptr<void, Free> compiled;
  std::string plain;
  std::string place;
};

/// The size at which `pinUnicodeClasses` gives up and returns what it has so far.
constexpr size_t MaxPinnedBytes = 4 << 20;

/// The pattern with `\p{..}`, `\w`, `\d`, `\b` and POSIX classes spelled out as ranges of code points, so that their
/// meaning does not depend on the Unicode version of the installed Oniguruma.
std::string pinUnicodeClasses(std::string_view pattern);

} // namespace yoke
