#include "ChatTemplate/StringLiteral.h"

#include "Tokenizer/Utf8.h"

#include <charconv>

namespace yoke::chat {
namespace {

/// \xHH, \uHHHH or \UHHHHHHHH with `digits` digits at `position`.
tl::expected<char32_t, std::string> hexEscape(std::string_view text, size_t position, size_t digits) {
  uint32_t code = 0;
  std::string_view number = text.substr(position, digits);
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), code, 16);
  if (number.size() != digits || end != number.data() + digits)
    return tl::unexpected<std::string>("truncated escape in a string");
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
    return tl::unexpected<std::string>("escape of a character that does not exist");
  return code;
}

} // namespace

tl::expected<std::string, std::string> decodeStringLiteral(std::string_view text) {
  static constexpr std::string_view letters = "\\'\"abfnrtv", meanings = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (size_t position = 0; position < text.size();) {
    char c = text[position++];
    if (c != '\\' || position == text.size()) {
      out += c;
      continue;
    }
    c = text[position++];
    if (size_t letter = letters.find(c); letter != letters.npos) {
      out += meanings[letter];
    } else if (c >= '0' && c <= '7') {
      char32_t code = static_cast<char32_t>(c - '0');
      for (int i = 0; i < 2 && position < text.size() && text[position] >= '0' && text[position] <= '7'; ++i)
        code = code * 8 + static_cast<char32_t>(text[position++] - '0');
      appendCodePoint(out, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      auto code = hexEscape(text, position, digits);
      if (!code)
        return tl::unexpected(code.error());
      appendCodePoint(out, *code);
      position += digits;
    } else if (c == 'N') {
      return tl::unexpected<std::string>("escapes by character name are not supported");
    } else if (c != '\n') {
      out += '\\';
      out += c;
    }
  }
  return out;
}

} // namespace yoke::chat
