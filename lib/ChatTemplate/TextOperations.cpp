#include "ChatTemplate/TextOperations.h"

#include "ChatTemplate/Access.h"
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>

namespace yoke::chat {
namespace {

/// str.splitlines knows more ends of lines than files do.
bool isLineEnd(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

Result<Value> partsOf(Context &context, const MarkedText &text, const std::vector<std::pair<size_t, size_t>> &ranges) {
  YOKE_TRY(context.chargeText(text.size()));
  YOKE_TRY(context.charge(4 * static_cast<int64_t>(ranges.size())));
  std::vector<Value> parts;
  parts.reserve(ranges.size());
  for (auto [begin, end] : ranges)
    parts.push_back(text.slice(begin, end));
  return context.makeSequence(std::move(parts));
}

} // namespace

Result<Value> stripText(Context &context, const MarkedText &text, bool left, bool right, const Value *characters) {
  YOKE_TRY(context.chargeText(text.size()));
  if (!characters || characters->isNone())
    return Value(strip(text, left, right, isSpace));
  const std::string &set = YOKE_TRY(textArgument(context, "strip", *characters))->str();
  std::u32string dropped;
  for (size_t position = 0; position < set.size();)
    dropped += nextCodePoint(set, position);
  std::sort(dropped.begin(), dropped.end());
  YOKE_TRY(context.charge(static_cast<int64_t>(dropped.size())));
  return Value(
      strip(text, left, right, [&](char32_t c) { return std::binary_search(dropped.begin(), dropped.end(), c); }));
}

Result<Value> splitText(Context &context, const MarkedText &text, std::string_view separator, int64_t limit,
                        bool fromRight) {
  if (separator.empty())
    return context.error("empty separator");
  std::string_view bytes = text.str();
  std::vector<std::pair<size_t, size_t>> parts;
  auto mayGoOn = [&] { return limit < 0 || static_cast<int64_t>(parts.size()) < limit; };
  if (fromRight) {
    size_t end = bytes.size();
    while (mayGoOn()) {
      YOKE_TRY(context.charge(1));
      size_t place = YOKE_TRY(findFrom(context, bytes.substr(0, end), separator, true));
      if (place == bytes.npos)
        break;
      parts.emplace_back(place + separator.size(), end);
      end = place;
    }
    parts.emplace_back(0, end);
    std::reverse(parts.begin(), parts.end());
    return partsOf(context, text, parts);
  }
  size_t begin = 0;
  while (mayGoOn()) {
    YOKE_TRY(context.charge(1));
    size_t place = findText(bytes, separator, begin);
    if (place == bytes.npos)
      break;
    parts.emplace_back(begin, place);
    begin = place + separator.size();
  }
  parts.emplace_back(begin, bytes.size());
  return partsOf(context, text, parts);
}

Result<Value> splitAtSpaces(Context &context, const MarkedText &text, int64_t limit, bool fromRight) {
  YOKE_TRY(context.chargeText(text.size()));
  std::string_view bytes = text.str();
  std::vector<std::pair<size_t, size_t>> words;
  for (size_t position = 0; position < bytes.size();) {
    size_t begin = position;
    bool space = isSpace(nextCodePoint(bytes, position));
    if (space)
      continue;
    bool continues = !words.empty() && words.back().second == begin;
    if (continues)
      words.back().second = position;
    else
      words.emplace_back(begin, position);
  }
  // Beyond the limit the rest stays one piece, with its outer spaces at the side where splitting ended.
  if (limit >= 0 && static_cast<int64_t>(words.size()) > limit) {
    if (fromRight) {
      words.erase(words.begin(), words.end() - limit - 1);
      words.front().first = 0;
    } else {
      words.resize(static_cast<size_t>(limit) + 1);
      words.back().second = bytes.size();
    }
  }
  return partsOf(context, text, words);
}

Result<std::vector<Value>> splitLines(Context &context, const MarkedText &text, bool keepEnds) {
  YOKE_TRY(context.chargeText(text.size()));
  std::string_view bytes = text.str();
  std::vector<Value> lines;
  for (size_t begin = 0, position = 0; begin < bytes.size(); begin = position) {
    size_t end = bytes.size();
    while (position < bytes.size()) {
      size_t here = position;
      char32_t c = nextCodePoint(bytes, position);
      if (!isLineEnd(c))
        continue;
      if (c == '\r' && position < bytes.size() && bytes[position] == '\n')
        ++position;
      end = here;
      break;
    }
    YOKE_TRY(context.charge(4));
    lines.push_back(text.slice(begin, keepEnds ? position : end));
  }
  return lines;
}

Result<Value> replaceText(Context &context, const MarkedText &text, std::string_view old, const MarkedText &with,
                          int64_t limit) {
  YOKE_TRY(context.chargeText(text.size()));
  std::string_view bytes = text.str();
  MarkedText out;
  size_t position = 0;
  for (int64_t done = 0; limit < 0 || done < limit; ++done) {
    size_t place = findText(bytes, old, position);
    if (old.empty() && done > 0)
      place = position < bytes.size() ? position + utf8Length(bytes[position]) : bytes.npos;
    if (place == bytes.npos)
      break;
    YOKE_TRY(context.append(out, text, position, place));
    YOKE_TRY(context.append(out, with));
    position = place + old.size();
  }
  YOKE_TRY(context.append(out, text, position, bytes.size()));
  return Value(std::move(out));
}

Result<Value> joinTexts(Context &context, const MarkedText &separator, const Value &items, bool convert) {
  SequencePtr sequence = YOKE_TRY(iterate(context, items));
  MarkedText out;
  bool first = true;
  for (const Value &item : sequence->items) {
    if (!std::exchange(first, false))
      YOKE_TRY(context.append(out, separator));
    if (!convert && !item.isText())
      return context.error("join() expects strings, found '{}'", item.typeName());
    YOKE_TRY(context.append(out, *YOKE_TRY(toText(context, item))));
  }
  return Value(std::move(out));
}

Result<size_t> findFrom(Context &context, std::string_view text, std::string_view part, bool fromRight) {
  YOKE_TRY(context.charge(1 + static_cast<int64_t>(text.size() / 64)));
  if (!fromRight)
    return findText(text, part, 0);
  // The search backwards may compare the part at every place.
  YOKE_TRY(context.charge(static_cast<int64_t>((text.size() >> 6) * (part.size() >> 6))));
  return text.rfind(part);
}

Result<Value> padText(Context &context, const MarkedText &text, int64_t width, std::string_view fill, bool left,
                      bool right) {
  const auto length = static_cast<int64_t>(characterCount(text.str()));
  const int64_t padding = std::max<int64_t>(width - length, 0);
  if (padding > static_cast<int64_t>(context.limits().outputBytes))
    return context.error("text of more than {} bytes", context.limits().outputBytes);
  YOKE_TRY(context.chargeText(static_cast<size_t>(padding) * fill.size() + text.size()));
  int64_t before = !left ? 0 : !right ? padding : padding / 2 + (padding & width & 1);
  MarkedText out;
  auto pad = [&](int64_t count) {
    std::string filling;
    for (int64_t i = 0; i < count; ++i)
      filling += fill;
    out.append(filling, false);
  };
  pad(before);
  out.append(text);
  pad(padding - before);
  return Value(std::move(out));
}

bool allCased(std::string_view text, bool (*wrongCase)(char32_t)) {
  bool cased = false;
  for (size_t position = 0; position < text.size();) {
    char32_t c = nextCodePoint(text, position);
    if (wrongCase(c))
      return false;
    cased = cased || isCased(c);
  }
  return cased;
}

} // namespace yoke::chat
