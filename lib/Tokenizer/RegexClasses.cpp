#include "Tokenizer/Regex.h"
#include "Tokenizer/UnicodeClasses.h"

namespace yoke {
namespace {

constexpr uint32_t LastCodePoint = 0x10FFFF;

std::string rangesText(const CodePointRanges &ranges, bool negated) {
  std::string out;
  auto emit = [&](uint32_t first, uint32_t last) { out += fmt::format("\\x{{{:X}}}-\\x{{{:X}}}", first, last); };
  if (!negated) {
    for (auto [first, last] : ranges)
      emit(first, last);
    return out;
  }
  uint32_t next = 0;
  for (auto [first, last] : ranges) {
    if (next < first)
      emit(next, first - 1);
    next = last + 1;
  }
  if (next <= LastCodePoint)
    emit(next, LastCodePoint);
  return out;
}

/// Walks over a pattern once and copies it with the classes replaced.
class ClassPinner {
public:
  explicit ClassPinner(std::string_view pattern) : pattern(pattern) {}

  std::string run() {
    scanOptions();
    if (asciiClasses)
      return std::string(pattern);
    while (at < pattern.size() && out.size() <= MaxPinnedBytes)
      step();
    return std::move(out);
  }

private:
  /// Options such as (?i), which makes case folding apply to a bracket but not to a bare \p, and (?W), which restricts
  /// \w to ASCII.
  void scanOptions() {
    for (size_t i = 0; (i = pattern.find("(?", i)) != pattern.npos; i += 2)
      for (size_t k = i + 2;
           k < pattern.size() && (isalpha(static_cast<unsigned char>(pattern[k])) || pattern[k] == '-'); ++k) {
        ignoreCase |= pattern[k] == 'i';
        asciiClasses |= std::string_view("WDSPy").find(pattern[k]) != std::string_view::npos;
      }
  }

  void copy(size_t count) {
    out += pattern.substr(at, count);
    at += std::min(count, pattern.size() - at);
  }

  void step() {
    char c = pattern[at];
    if (c == '\\' && at + 1 < pattern.size()) {
      escape();
    } else if (c == '[' && depth && pattern.substr(at).starts_with("[:")) {
      posixBracket();
    } else if (c == '[') {
      ++depth;
      copy(pattern.substr(at).starts_with("[^") ? 2 : 1);
      if (at < pattern.size() && pattern[at] == ']' && pattern.find(']', at + 1) != pattern.npos)
        copy(1); // a literal bracket, since a class is never empty
    } else {
      depth -= depth && c == ']';
      copy(1);
    }
  }

  void escape() {
    char c = pattern[at + 1];
    if ((c == 'p' || c == 'P') && pattern.substr(at + 2).starts_with("{")) {
      size_t close = pattern.find('}', at);
      if (close != pattern.npos) {
        std::string_view name = pattern.substr(at + 3, close - at - 3);
        bool negated = c == 'P';
        if (name.starts_with('^')) {
          negated = !negated;
          name.remove_prefix(1);
        }
        if (put(name, negated))
          at = close + 1;
        else
          copy(close + 1 - at);
        return;
      }
    }
    bool known = c == 'w' || c == 'W' ? put("word", c == 'W') : (c == 'd' || c == 'D') && put("nd", c == 'D');
    if (known) {
      at += 2;
    } else if ((c == 'b' || c == 'B') && !depth) {
      std::string word = "(?-i:[" + rangesText(*regexProperty("word"), false) + "])";
      std::string_view ifBefore = c == 'b' ? "!" : "=", otherwise = c == 'b' ? "=" : "!";
      out += fmt::format("(?:(?<={0})(?{1}{0})|(?<!{0})(?{2}{0}))", word, ifBefore, otherwise);
      at += 2;
    } else {
      copy(2);
    }
  }

  void posixBracket() {
    size_t close = pattern.find(":]", at + 2);
    if (close == pattern.npos)
      return copy(2);
    std::string_view name = pattern.substr(at + 2, close - at - 2);
    bool negated = name.starts_with('^');
    if (put(name.substr(negated), negated))
      at = close + 2;
    else
      copy(close + 2 - at);
  }

  bool put(std::string_view name, bool negated) {
    std::optional<CodePointRanges> ranges = regexProperty(name);
    if (!ranges)
      return false;
    std::string text = rangesText(*ranges, negated && depth);
    if (depth)
      out += text;
    else
      out += fmt::format("{}[{}{}]{}", ignoreCase ? "(?-i:" : "", negated ? "^" : "", text, ignoreCase ? ")" : "");
    return true;
  }

  std::string_view pattern;
  std::string out;
  size_t at = 0;
  size_t depth = 0;
  bool ignoreCase = false;
  bool asciiClasses = false;
};

} // namespace

std::string pinUnicodeClasses(std::string_view pattern) { return ClassPinner(pattern).run(); }

} // namespace yoke
