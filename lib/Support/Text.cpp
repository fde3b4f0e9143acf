#include "Support/Text.h"

#include <cstdint>

namespace yoke {

size_t utf8SequenceLength(std::string_view text) {
  if (text.empty())
    return 0;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  uint8_t lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2 || lead > 0xF4 || !continues(1))
    return 0;
  if (lead < 0xE0)
    return 2;
  uint8_t second = byte(1);
  if (lead < 0xF0) {
    bool overlong = lead == 0xE0 && second < 0xA0;
    bool surrogate = lead == 0xED && second > 0x9F;
    return !overlong && !surrogate && continues(2) ? 3 : 0;
  }
  bool overlong = lead == 0xF0 && second < 0x90;
  bool beyond = lead == 0xF4 && second > 0x8F;
  return !overlong && !beyond && continues(2) && continues(3) ? 4 : 0;
}

bool isValidUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = utf8SequenceLength(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

namespace {

std::string escaped(std::string_view text, size_t limit, bool inQuotes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit)
      return out + "...";
    auto lead = static_cast<uint8_t>(text[0]);
    size_t length = utf8SequenceLength(text);
    // C1 controls (U+0080 to U+009F) steer some terminals.
    bool control = lead < 0x20 || lead == 0x7F || (lead == 0xC2 && length == 2 && static_cast<uint8_t>(text[1]) < 0xA0);
    if (length == 0 || control) {
      length = length == 0 ? 1 : length;
      for (size_t i = 0; i < length; ++i) {
        auto byte = static_cast<uint8_t>(text[i]);
        out += "\\x";
        out += digits[byte >> 4];
        out += digits[byte & 15];
      }
    } else {
      if (inQuotes && (lead == '"' || lead == '\\'))
        out += '\\';
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

} // namespace

std::string printable(std::string_view text, size_t limit) { return escaped(text, limit, false); }

std::string quote(std::string_view text, size_t limit) { return '"' + escaped(text, limit, true) + '"'; }

static constexpr size_t namesShown = 5;

void NameList::add(std::string_view name) {
  if (count < namesShown)
    shown += (count == 0 ? "" : ", ") + quote(name);
  ++count;
}

std::string NameList::text() const {
  return count <= namesShown ? shown : shown + " and " + std::to_string(count - namesShown) + " more";
}

} // namespace yoke
