#include "Tokenizer/Precompiled.h"

#include "Support/Text.h"
#include "Tokenizer/UnicodeClasses.h"

#include <optional>

namespace yoke {
namespace {

std::optional<std::string> decodeBase64(std::string_view text) {
  std::string bytes;
  if (text.size() % 4)
    return std::nullopt;
  size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    uint32_t digit;
    if (c >= 'A' && c <= 'Z')
      digit = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      digit = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9')
      digit = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '+' || c == '/')
      digit = c == '+' ? 62 : 63;
    else if (c == '=' && i + padding >= text.size())
      digit = 0;
    else
      return std::nullopt;
    bits = bits << 6 | digit;
    if (i % 4 == 3)
      for (int shift = 16; shift >= 0; shift -= 8)
        bytes += static_cast<char>(bits >> shift & 0xFF);
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

/// A unit of Darts' double array.
struct Unit {
  uint32_t bits;
  bool hasLeaf() const { return bits >> 8 & 1; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
  uint32_t label() const { return bits & 0x800000FF; }
  uint32_t offset() const { return (bits >> 10) << ((bits & 0x200) >> 6); }
};

class Precompiled final : public Normalizer {
public:
  std::vector<Unit> units;
  std::string replacements;

  Status apply(Text &text, RegexBudget &) const override {
    Rewriter out(text);
    bool modified = false, anyOutput = false;
    auto replaceBy = [&](std::string_view old, std::string_view replacement) {
      modified = true;
      size_t oldCount = countCharacters(old), newCount = 0;
      for (size_t i = 0; i < replacement.size(); ++newCount) {
        char32_t c = nextCodePoint(replacement, i);
        newCount < oldCount ? out.keep(c) : out.insert(c);
      }
      anyOutput |= newCount > 0;
      // A character removed from the very start is not accounted for by the reference either.
      for (; newCount < oldCount && anyOutput; ++newCount)
        out.drop();
    };
    std::string_view bytes = text.bytes;
    for (size_t begin = 0; begin < bytes.size();) {
      size_t end = graphemeEnd(bytes, begin);
      std::string_view grapheme = bytes.substr(begin, end - begin);
      begin = end;
      if (grapheme.size() < 6)
        if (auto whole = find(grapheme)) {
          replaceBy(grapheme, *whole);
          continue;
        }
      for (size_t i = 0; i < grapheme.size();) {
        size_t from = i;
        char32_t c = nextCodePoint(grapheme, i);
        std::string_view character = grapheme.substr(from, i - from);
        if (auto replacement = find(character)) {
          replaceBy(character, *replacement);
        } else {
          out.keep(c);
          anyOutput = true;
        }
      }
    }
    if (modified)
      text = out.finish();
    return {};
  }

  /// Visits every entry that a search can reach; false when its value lies outside of the trie, or points outside of
  /// the replacements, each of which ends with a NUL.
  bool valid() const {
    if (units.empty() || (!replacements.empty() && replacements.back() != '\0'))
      return false;
    // Units grouped by the node they would be children of: the index without the label.
    std::vector<uint32_t> firstChild(units.size() + 256, 0), nextSibling(units.size(), 0);
    for (uint32_t i = 0; i < units.size(); ++i)
      if (units[i].label() < 256 && units[i].label() != 0) {
        uint32_t node = i ^ units[i].label();
        nextSibling[i] = firstChild[node];
        firstChild[node] = i + 1;
      }
    std::vector<bool> seen(firstChild.size(), false);
    std::vector<uint32_t> pending{units[0].offset()};
    while (!pending.empty()) {
      uint32_t node = pending.back();
      pending.pop_back();
      if (node >= seen.size() || seen[node])
        continue;
      seen[node] = true;
      for (uint32_t child = firstChild[node]; child; child = nextSibling[child - 1]) {
        const Unit &unit = units[child - 1];
        uint32_t below = (child - 1) ^ unit.offset();
        if (unit.hasLeaf() && (below >= units.size() || units[below].value() >= replacements.size() ||
                               !isCharacterStart(units[below].value())))
          return false;
        pending.push_back(below);
      }
    }
    return true;
  }

private:
  bool isCharacterStart(size_t position) const {
    return (static_cast<unsigned char>(replacements[position]) & 0xC0) != 0x80;
  }

  /// The replacement of the shortest entry that `key` starts with.
  std::optional<std::string_view> find(std::string_view key) const {
    uint32_t node = units[0].offset();
    for (char c : key) {
      uint32_t label = static_cast<unsigned char>(c);
      if (!label)
        break;
      node ^= label;
      if (node >= units.size() || units[node].label() != label)
        return std::nullopt;
      bool leaf = units[node].hasLeaf();
      node ^= units[node].offset();
      if (leaf) {
        std::string_view rest = std::string_view(replacements).substr(units[node].value());
        return rest.substr(0, rest.find('\0'));
      }
    }
    return std::nullopt;
  }

  static size_t graphemeEnd(std::string_view text, size_t begin) {
    size_t at = begin;
    char32_t previous = nextCodePoint(text, at);
    int32_t state = 0;
    while (at < text.size()) {
      size_t next = at;
      char32_t c = nextCodePoint(text, next);
      if (graphemeBreaks(previous, c, state))
        break;
      previous = c;
      at = next;
    }
    return at;
  }
};

} // namespace

Result<std::unique_ptr<Normalizer>> makePrecompiled(const JsonObject &config) {
  static constexpr std::string_view key = "precompiled_charsmap";
  std::string text = YOKE_TRY(config.string(key));
  std::optional<std::string> bytes = decodeBase64(text);
  if (!bytes)
    return config.error(key, "not base64");
  auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 4; i-- > 0;)
      value = value << 8 | static_cast<unsigned char>((*bytes)[at + i]);
    return value;
  };
  if (bytes->size() < 4 || word(0) > bytes->size() - 4)
    return config.error(key, "cut short: the trie is longer than the data");
  auto rules = std::make_unique<Precompiled>();
  size_t trieBytes = word(0) / 4 * 4;
  for (size_t at = 4; at < 4 + trieBytes; at += 4)
    rules->units.push_back({word(at)});
  rules->replacements = bytes->substr(4 + trieBytes);
  if (!isValidUtf8(rules->replacements))
    return config.error(key, "the replacements are not valid UTF-8");
  if (!rules->valid())
    return config.error(key, "the trie or its values point outside of the data");
  return rules;
}

} // namespace yoke
