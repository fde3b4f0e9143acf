#include "runtime/Constraint/Pattern.h"

#include <algorithm>
#include <optional>
#include <string>

namespace yoke {
namespace {

using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;
constexpr uint32_t maxCodePoint = 0x10FFFF, firstSurrogate = 0xD800, lastSurrogate = 0xDFFF;
constexpr int32_t maxRepeat = 10'000;
constexpr int maxDepth = 200;

Ranges normalised(Ranges ranges) {
  std::ranges::sort(ranges);
  Ranges merged;
  for (auto [low, high] : ranges) {
    if (!merged.empty() && low <= merged.back().second + 1)
      merged.back().second = std::max(merged.back().second, high);
    else
      merged.emplace_back(low, high);
  }
  Ranges valid;
  for (auto [low, high] : merged) {
    if (low < firstSurrogate)
      valid.emplace_back(low, std::min(high, firstSurrogate - 1));
    if (high > lastSurrogate)
      valid.emplace_back(std::max(low, lastSurrogate + 1), high);
  }
  return valid;
}

Ranges complement(const Ranges &ranges) {
  Ranges result;
  uint32_t next = 0;
  for (auto [low, high] : ranges) {
    if (low > next)
      result.emplace_back(next, low - 1);
    next = high + 1;
  }
  if (next <= maxCodePoint)
    result.emplace_back(next, maxCodePoint);
  return normalised(std::move(result));
}

PatternNode setNode(Ranges ranges) {
  PatternNode node;
  node.kind = PatternNode::Kind::Set;
  node.ranges = std::move(ranges);
  return node;
}

class Parser {
public:
  explicit Parser(std::string_view text) : text(text) {}

  Result<PatternNode> parse() {
    if (!text.empty() && text.front() == '^')
      ++at;
    PatternNode node = YOKE_TRY(alternatives(0));
    if (at < text.size())
      return error("a ) without (");
    return node;
  }

private:
  tl::unexpected<Error> error(std::string_view what) const { return malformed("pattern: offset {}: {}", at, what); }
  bool ended() const { return at >= text.size(); }
  bool take(char c) {
    if (ended() || text[at] != c)
      return false;
    ++at;
    return true;
  }

  Result<PatternNode> alternatives(int depth) {
    if (depth > maxDepth)
      return error("groups are nested too deeply");
    PatternNode node;
    node.kind = PatternNode::Kind::Alternate;
    do
      node.children.push_back(YOKE_TRY(sequence(depth)));
    while (take('|'));
    return node.children.size() == 1 ? std::move(node.children.front()) : std::move(node);
  }

  Result<PatternNode> sequence(int depth) {
    PatternNode node;
    while (!ended() && text[at] != '|' && text[at] != ')') {
      if (text[at] == '$' && at + 1 == text.size()) {
        ++at;
        break;
      }
      node.children.push_back(YOKE_TRY(repeated(YOKE_TRY(atom(depth)))));
    }
    return node;
  }

  Result<PatternNode> repeated(PatternNode node) {
    int32_t least = 0, most = PatternNode::unlimited;
    if (take('+'))
      least = 1;
    else if (take('?'))
      most = 1;
    else if (take('{'))
      YOKE_TRY(bounds(least, most));
    else if (!take('*'))
      return node;
    take('?');
    if (!ended() && std::string_view("*+?{").contains(text[at]))
      return error("a repetition of a repetition; use a group");
    PatternNode repeat;
    repeat.kind = PatternNode::Kind::Repeat;
    repeat.least = least;
    repeat.most = most;
    repeat.children.push_back(std::move(node));
    return repeat;
  }

  Status bounds(int32_t &least, int32_t &most) {
    std::optional<int32_t> first = number();
    if (!first)
      return error("expected {m}, {m,} or {m,n}");
    least = most = *first;
    if (take(',')) {
      std::optional<int32_t> second = number();
      most = second ? *second : PatternNode::unlimited;
    }
    if (!take('}'))
      return error("expected {m}, {m,} or {m,n}");
    if (least > maxRepeat || most > maxRepeat)
      return error("a repetition above 10000");
    if (most != PatternNode::unlimited && most < least)
      return error("a repetition whose upper bound is below its lower bound");
    return {};
  }

  std::optional<int32_t> number() {
    const size_t begin = at;
    int32_t value = 0;
    while (!ended() && text[at] >= '0' && text[at] <= '9')
      value = std::min(value * 10 + (text[at++] - '0'), 10 * maxRepeat);
    return at > begin ? std::optional(value) : std::nullopt;
  }

  Result<PatternNode> atom(int depth) {
    const char c = text[at];
    if (c == '(') {
      ++at;
      if (take('?') && !take(':'))
        return error("only (?: is supported of what begins with (?");
      PatternNode node = YOKE_TRY(alternatives(depth + 1));
      if (!take(')'))
        return error("a ( without )");
      return node;
    }
    if (c == '[') {
      ++at;
      return setNode(YOKE_TRY(characterClass()));
    }
    if (c == '.') {
      ++at;
      return setNode(complement({{'\n', '\n'}}));
    }
    if (c == '*' || c == '+' || c == '?' || c == '{')
      return error("nothing to repeat");
    if (c == '^' || c == '$')
      return error("^ and $ are supported at the ends of the pattern only");
    if (c == '\\') {
      ++at;
      return setNode(YOKE_TRY(escape()));
    }
    const uint32_t point = YOKE_TRY(codePoint());
    return setNode({{point, point}});
  }

  Result<uint32_t> codePoint() {
    const auto lead = static_cast<uint8_t>(text[at]);
    const int length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || at + static_cast<size_t>(length) > text.size())
      return error("invalid UTF-8");
    uint32_t point = length == 1 ? lead : lead & (0x7F >> length);
    for (int i = 1; i < length; ++i) {
      const auto byte = static_cast<uint8_t>(text[at + static_cast<size_t>(i)]);
      if ((byte & 0xC0) != 0x80)
        return error("invalid UTF-8");
      point = point << 6 | (byte & 0x3F);
    }
    if (point > maxCodePoint || (point >= firstSurrogate && point <= lastSurrogate))
      return error("invalid UTF-8");
    at += static_cast<size_t>(length);
    return point;
  }

  Result<uint32_t> hexadecimal(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at) {
      if (ended() || !std::isxdigit(static_cast<unsigned char>(text[at])))
        return error("expected hexadecimal digits");
      const char c = text[at];
      value = value * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }

  /// What follows a backslash, as a set.
  Result<Ranges> escape() {
    if (ended())
      return error("a backslash at the end");
    const char c = text[at++];
    const Ranges digits = {{'0', '9'}}, words = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                 spaces = {{'\t', '\r'}, {' ', ' '}};
    auto one = [](uint32_t point) { return Ranges{{point, point}}; };
    switch (c) {
    case 'd':
      return digits;
    case 'D':
      return complement(digits);
    case 'w':
      return words;
    case 'W':
      return complement(words);
    case 's':
      return spaces;
    case 'S':
      return complement(spaces);
    case 'n':
      return one('\n');
    case 't':
      return one('\t');
    case 'r':
      return one('\r');
    case 'f':
      return one('\f');
    case 'v':
      return one('\v');
    case '0':
      return one(0);
    case 'x':
      return one(YOKE_TRY(hexadecimal(2)));
    case 'u': {
      Ranges point = normalised(one(YOKE_TRY(hexadecimal(4))));
      if (point.empty())
        return error("a surrogate is no character");
      return point;
    }
    default:
      break;
    }
    if (!std::ispunct(static_cast<unsigned char>(c)) && c != ' ') {
      --at;
      return error("this escape is not supported");
    }
    return one(static_cast<uint8_t>(c));
  }

  Result<Ranges> characterClass() {
    const bool negated = take('^');
    Ranges ranges;
    bool first = true;
    while (!ended() && (text[at] != ']' || first)) {
      first = false;
      Ranges low = YOKE_TRY(classMember());
      if (low.size() == 1 && low[0].first == low[0].second && at + 1 < text.size() && text[at] == '-' &&
          text[at + 1] != ']') {
        ++at;
        Ranges high = YOKE_TRY(classMember());
        if (high.size() != 1 || high[0].first != high[0].second || high[0].first < low[0].first)
          return error("a range in a class whose ends are not in order");
        low[0].second = high[0].second;
      }
      ranges.insert(ranges.end(), low.begin(), low.end());
    }
    if (!take(']'))
      return error("a [ without ]");
    ranges = normalised(std::move(ranges));
    if (negated)
      ranges = complement(ranges);
    if (ranges.empty())
      return error("a class of no characters");
    return ranges;
  }

  Result<Ranges> classMember() {
    if (take('\\'))
      return escape();
    const uint32_t point = YOKE_TRY(codePoint());
    return Ranges{{point, point}};
  }

  std::string_view text;
  size_t at = 0;
};

} // namespace

Result<PatternNode> parsePattern(std::string_view pattern) { return Parser(pattern).parse(); }

std::string quotePattern(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (std::ispunct(static_cast<unsigned char>(c)))
      result += '\\';
    result += c;
  }
  return result;
}

} // namespace yoke
