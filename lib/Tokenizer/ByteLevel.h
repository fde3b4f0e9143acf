// The alphabet of byte-level tokenizers: a printable character for each byte.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace yoke {

/// The character for each byte: printable bytes of Latin-1 stand for themselves, the others follow from U+0100 on.
constexpr std::array<char32_t, 256> byteLevelAlphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b)
    alphabet[b] = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE ? b : next++;
  return alphabet;
}

void appendByteLevel(std::string &out, std::string_view bytes);

/// Appends the bytes that a token's characters stand for, or the token itself when it has any other character.
void appendFromByteLevel(std::string &out, std::string_view token);

} // namespace yoke
