#include "ChatTemplate/Unicode.h"

#include <algorithm>
#include <cstring>
#include <utf8proc.h>
#include <utility>

namespace yoke::chat {
namespace {

struct LongCase {
  char32_t code;
  const char *text;
};
#include "ChatTemplate/CaseTables.inc"

utf8proc_category_t categoryOf(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

template <size_t N> const char *findLong(const LongCase (&table)[N], char32_t c) {
  auto *row = std::lower_bound(std::begin(table), std::end(table), c,
                               [](const LongCase &entry, char32_t code) { return entry.code < code; });
  return row != std::end(table) && row->code == c ? row->text : nullptr;
}

using Mapping = utf8proc_int32_t (*)(utf8proc_int32_t);

void appendSimple(std::string &out, char32_t c, Mapping mapping) {
  appendCodePoint(out, static_cast<char32_t>(mapping(static_cast<utf8proc_int32_t>(c))));
}

void appendUpper(std::string &out, char32_t c) {
  if (const char *text = c < 0x80 ? nullptr : findLong(LongUpper, c))
    out += text;
  else
    appendSimple(out, c, utf8proc_toupper);
}

void appendTitle(std::string &out, char32_t c) {
  if (const char *text = c < 0x80 ? nullptr : findLong(LongTitle, c))
    out += text;
  else
    appendSimple(out, c, utf8proc_totitle);
}

bool isCaseIgnorable(char32_t c) {
  static constexpr std::u32string_view marks = U"'.:^`\u00A8\u00AD\u00AF\u00B4\u00B7\u00B8\u2018\u2019\u2024\u2027";
  switch (categoryOf(c)) {
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_SK:
    return true;
  default:
    return marks.find(c) != std::u32string_view::npos;
  }
}

/// Whether the sigma at [begin, end) ends a word: cased letters before it, none right after it.
bool isFinalSigma(std::string_view text, size_t begin, size_t end) {
  bool after = false;
  while (end < text.size()) {
    char32_t c = nextCodePoint(text, end);
    if (isCaseIgnorable(c))
      continue;
    after = isCased(c);
    break;
  }
  if (after)
    return false;
  while (begin > 0) {
    begin = previousCharacter(text, begin);
    size_t position = begin;
    char32_t c = nextCodePoint(text, position);
    if (!isCaseIgnorable(c))
      return isCased(c);
  }
  return false;
}

void appendLower(std::string &out, char32_t c, std::string_view text, size_t begin, size_t end) {
  if (c == 0x130)
    out += "i\xCC\x87";
  else if (c == 0x3A3)
    out += isFinalSigma(text, begin, end) ? "\xCF\x82" : "\xCF\x83";
  else
    appendSimple(out, c, utf8proc_tolower);
}

enum class Case { Upper, Lower, Title };

/// `choose` is called with each character in order.
MarkedText mapCase(const MarkedText &text, const std::function<Case(char32_t)> &choose) {
  MarkedText out;
  std::string_view bytes = text.str();
  std::string piece;
  size_t position = 0;
  for (const MarkedText::Run &run : text.runs()) {
    piece.clear();
    while (position < run.end) {
      size_t begin = position;
      char32_t c = nextCodePoint(bytes, position);
      switch (choose(c)) {
      case Case::Upper:
        appendUpper(piece, c);
        break;
      case Case::Lower:
        appendLower(piece, c, bytes, begin, position);
        break;
      case Case::Title:
        appendTitle(piece, c);
        break;
      }
    }
    out.append(piece, run.isInput);
  }
  return out;
}

} // namespace

size_t findText(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size())
    return std::string_view::npos;
  const void *place = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return place ? static_cast<size_t>(static_cast<const char *>(place) - text.data()) : std::string_view::npos;
}

size_t characterCount(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

size_t byteOfCharacter(std::string_view text, size_t index) {
  size_t position = 0;
  for (; index > 0 && position < text.size(); --index)
    position += utf8Length(text[position]);
  return position;
}

bool isSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isUpper(char32_t c) { return utf8proc_isupper(static_cast<utf8proc_int32_t>(c)); }
bool isLower(char32_t c) { return utf8proc_islower(static_cast<utf8proc_int32_t>(c)); }
bool isCased(char32_t c) { return isUpper(c) || isLower(c) || categoryOf(c) == UTF8PROC_CATEGORY_LT; }

bool isAlpha(char32_t c) {
  utf8proc_category_t category = categoryOf(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool isDecimal(char32_t c) { return categoryOf(c) == UTF8PROC_CATEGORY_ND; }

bool isPrintable(char32_t c) {
  if (c == ' ')
    return true;
  switch (categoryOf(c)) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_CO:
  case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
  case UTF8PROC_CATEGORY_ZS:
    return false;
  default:
    return true;
  }
}

bool isIdentifier(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    bool first = position == 0;
    char32_t c = nextCodePoint(text, position);
    utf8proc_category_t category = categoryOf(c);
    bool start = c == '_' || isAlpha(c) || category == UTF8PROC_CATEGORY_NL;
    bool inside = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
                  category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_PC;
    if (!start && (first || !inside))
      return false;
  }
  return !text.empty();
}

MarkedText strip(const MarkedText &text, bool left, bool right, const std::function<bool(char32_t)> &drop) {
  std::string_view bytes = text.str();
  size_t begin = 0, end = bytes.size();
  while (left && begin < end) {
    size_t next = begin;
    if (!drop(nextCodePoint(bytes, next)))
      break;
    begin = next;
  }
  while (right && end > begin) {
    size_t previous = previousCharacter(bytes, end), position = previous;
    if (!drop(nextCodePoint(bytes, position)))
      break;
    end = previous;
  }
  return text.slice(begin, end);
}

MarkedText toUpper(const MarkedText &text) {
  return mapCase(text, [](char32_t) { return Case::Upper; });
}

MarkedText toLower(const MarkedText &text) {
  return mapCase(text, [](char32_t) { return Case::Lower; });
}

MarkedText toTitle(const MarkedText &text) {
  return mapCase(text, [previousCased = false](char32_t c) mutable {
    return std::exchange(previousCased, isCased(c)) ? Case::Lower : Case::Title;
  });
}

MarkedText swapCase(const MarkedText &text) {
  return mapCase(text, [](char32_t c) { return isUpper(c) ? Case::Lower : Case::Upper; });
}

MarkedText capitalize(const MarkedText &text) {
  return mapCase(text,
                 [first = true](char32_t) mutable { return std::exchange(first, false) ? Case::Title : Case::Lower; });
}

MarkedText titleWords(const MarkedText &text) {
  return mapCase(text, [start = true](char32_t c) mutable {
    bool opens = isSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    return std::exchange(start, opens) ? Case::Upper : Case::Lower;
  });
}

} // namespace yoke::chat
