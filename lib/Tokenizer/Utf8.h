// UTF-8 helpers for text that is already known to be valid, and the repair of text that is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace yoke {

/// Length in bytes of the character that starts with `lead`, the first byte of a valid sequence.
inline size_t utf8Length(char lead) {
  unsigned char c = static_cast<unsigned char>(lead);
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/// Decodes the character at `position` of valid UTF-8 and moves `position` behind it.
inline char32_t nextCodePoint(std::string_view text, size_t &position) {
  auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[position + i])); };
  char32_t c = byte(0);
  if (c < 0x80) {
    position += 1;
  } else if (c < 0xE0) {
    c = (c & 0x1F) << 6 | (byte(1) & 0x3F);
    position += 2;
  } else if (c < 0xF0) {
    c = (c & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    position += 3;
  } else {
    c = (c & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    position += 4;
  }
  return c;
}

/// The start of the character that ends at `position` > 0 of valid UTF-8.
inline size_t previousCharacter(std::string_view text, size_t position) {
  do
    --position;
  while ((static_cast<unsigned char>(text[position]) & 0xC0) == 0x80);
  return position;
}

inline void appendCodePoint(std::string &out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

/// Number of characters in valid UTF-8.
size_t countCharacters(std::string_view text);

/// isValidUtf8 of Support, with a fast path for ASCII.
bool isValidText(std::string_view text);

/// Appends `bytes` to `out` with every maximal invalid part replaced by one U+FFFD, which is what Python's
/// `bytes.decode("utf-8", errors="replace")` does. With `partial`, an unfinished but so far valid character at the end
/// is left out. Returns how many bytes were consumed.
size_t appendRepaired(std::string &out, std::string_view bytes, bool partial = false);

} // namespace yoke
