#include "runtime/Constraint/TokenBytes.h"

#include "Tokenizer/ByteLevel.h"

#include <algorithm>

namespace yoke {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// The byte of a token like <0x41>.
std::optional<char> fallbackByte(std::string_view token) {
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>' || digit(token[3]) < 0 || digit(token[4]) < 0)
    return std::nullopt;
  return static_cast<char>(digit(token[3]) * 16 + digit(token[4]));
}

/// A token whose text is one letter, to put before others: decoders treat a text's first token in their own way.
int32_t findAnchor(const Tokenizer &tokenizer) {
  for (int32_t id = 0; id <= tokenizer.maxId(); ++id) {
    const int32_t ids[] = {id};
    const std::string text = tokenizer.decode(ids);
    if (text.size() == 1 && std::isalpha(static_cast<unsigned char>(text[0])))
      return id;
  }
  return -1;
}

} // namespace

TokenBytes::TokenBytes(const Tokenizer &tokenizer) {
  const int32_t anchor = findAnchor(tokenizer);
  std::vector<int32_t> ids;
  if (anchor >= 0)
    ids.push_back(anchor);
  const std::string before = tokenizer.decode(ids);
  ids.push_back(0);
  places.assign(static_cast<size_t>(tokenizer.maxId()) + 1, -1);
  for (int32_t id = 0; id <= tokenizer.maxId(); ++id) {
    std::optional<std::string_view> token = tokenizer.idToToken(id);
    if (!token || tokenizer.isSpecial(id))
      continue;
    ids.back() = id;
    std::string text = tokenizer.decode(ids);
    text = text.starts_with(before) ? text.substr(before.size()) : std::string();
    if (text.find(replacement) != text.npos && token->find(replacement) == token->npos) {
      // A part of a character.
      text.clear();
      if (std::optional<char> byte = fallbackByte(*token))
        text = *byte;
      else
        appendFromByteLevel(text, *token);
    }
    if (!text.empty())
      sorted.push_back({std::move(text), id});
  }
  std::ranges::sort(sorted, [](const Entry &a, const Entry &b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.token < b.token;
  });
  for (size_t i = 0; i < sorted.size(); ++i)
    places[static_cast<size_t>(sorted[i].token)] = static_cast<int32_t>(i);
}

std::string_view TokenBytes::bytes(int32_t token) const {
  const int32_t place = token >= 0 && token < size() ? places[static_cast<size_t>(token)] : -1;
  return place < 0 ? std::string_view() : sorted[static_cast<size_t>(place)].bytes;
}

} // namespace yoke
