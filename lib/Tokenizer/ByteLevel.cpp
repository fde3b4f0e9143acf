#include "Tokenizer/ByteLevel.h"

#include "Tokenizer/Utf8.h"

namespace yoke {

static constexpr std::array<char32_t, 256> Alphabet = byteLevelAlphabet();

static constexpr auto Bytes = [] {
  std::array<int16_t, 0x180> bytes{};
  bytes.fill(-1);
  for (unsigned b = 0; b < 256; ++b)
    bytes[Alphabet[b]] = static_cast<int16_t>(b);
  return bytes;
}();

void appendByteLevel(std::string &out, std::string_view bytes) {
  for (char b : bytes)
    appendCodePoint(out, Alphabet[static_cast<unsigned char>(b)]);
}

void appendFromByteLevel(std::string &out, std::string_view token) {
  size_t before = out.size();
  for (size_t i = 0; i < token.size();) {
    char32_t c = nextCodePoint(token, i);
    if (c >= Bytes.size() || Bytes[c] < 0) {
      out.resize(before);
      out.append(token);
      return;
    }
    out += static_cast<char>(Bytes[c]);
  }
}

} // namespace yoke
