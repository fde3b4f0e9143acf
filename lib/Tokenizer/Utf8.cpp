#include "Tokenizer/Utf8.h"

#include "Support/Text.h"

#include <cstring>

namespace yoke {

size_t countCharacters(std::string_view text) {
  size_t count = 0;
  for (char c : text)
    count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

bool isValidText(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    uint64_t block;
    if (i + sizeof block <= text.size()) {
      std::memcpy(&block, text.data() + i, sizeof block);
      if (!(block & 0x8080808080808080)) {
        i += sizeof block;
        continue;
      }
    }
    size_t length = utf8SequenceLength(text.substr(i));
    if (!length)
      return false;
    i += length;
  }
  return true;
}

namespace {

/// Length of the longest prefix of `bytes` that is a proper prefix of some valid character (Unicode 15, table 3-7).
size_t truncatedLength(std::string_view bytes) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned char lead = at(0);
  size_t expected = lead >= 0xC2 && lead <= 0xDF   ? 2
                    : lead >= 0xE0 && lead <= 0xEF ? 3
                    : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                   : 0;
  if (!expected)
    return 0;
  size_t length = 1;
  for (; length < expected && length < bytes.size(); ++length) {
    unsigned char low = 0x80, high = 0xBF;
    if (length == 1) {
      low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
      high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    }
    if (at(length) < low || at(length) > high)
      break;
  }
  return length;
}

} // namespace

size_t appendRepaired(std::string &out, std::string_view bytes, bool partial) {
  size_t position = 0, copied = 0;
  auto flush = [&] { out.append(bytes.substr(copied, position - copied)); };
  while (position < bytes.size()) {
    if (static_cast<unsigned char>(bytes[position]) < 0x80) {
      ++position;
      continue;
    }
    std::string_view rest = bytes.substr(position);
    if (size_t length = utf8SequenceLength(rest)) {
      position += length;
      continue;
    }
    flush();
    size_t length = truncatedLength(rest);
    if (partial && length == rest.size())
      return position;
    out += "\xEF\xBF\xBD";
    position += length ? length : 1;
    copied = position;
  }
  flush();
  return position;
}

} // namespace yoke
