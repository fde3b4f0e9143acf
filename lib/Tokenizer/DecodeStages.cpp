#include "Tokenizer/DecodeStages.h"

#include "Support/Text.h"
#include "Tokenizer/ByteLevel.h"
#include "Tokenizer/Utf8.h"

#include <algorithm>

namespace yoke {

void WholeTokenStage::feed(std::string_view chunk, bool begins, bool ends) {
  if (begins && ends)
    return take(chunk);
  if (begins)
    pending.clear();
  pending += chunk;
  if (ends)
    take(pending);
}

void ByteLevelStage::take(std::string_view token) {
  appendFromByteLevel(bytes, token);
  pass(false);
}

void ByteLevelStage::pass(bool last) {
  std::string text;
  bytes.erase(0, appendRepaired(text, bytes, !last));
  if (text.empty() && !last)
    return;
  next.feed(text, !began, last);
  began = true;
}

void ByteLevelStage::finish() {
  pass(true);
  next.finish();
}

/// The byte that a token like <0x41> stands for, or -1. As in the reference, the digits may be '+' and one digit.
static int byteOfToken(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
    return -1;
  int value = 0;
  for (size_t i = token[3] == '+' ? 4 : 3; i < 5; ++i) {
    char c = token[i];
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

void ByteFallbackStage::take(std::string_view token) {
  int byte = byteOfToken(token);
  if (byte >= 0) {
    run += static_cast<char>(byte);
    return;
  }
  passRun();
  emit(token);
}

void ByteFallbackStage::passRun() {
  if (run.empty())
    return;
  if (isValidUtf8(run))
    emit(run);
  else
    for (size_t i = 0; i < run.size(); ++i)
      emit("\xEF\xBF\xBD");
  run.clear();
}

void ByteFallbackStage::finish() {
  passRun();
  next.finish();
}

void FuseStage::feed(std::string_view chunk, bool, bool) {
  next.feed(chunk, !began, false);
  began = true;
}

void FuseStage::finish() {
  next.feed("", !began, true);
  next.finish();
}

void StripStage::feed(std::string_view chunk, bool begins, bool ends) {
  if (begins) {
    toCut = start;
    held = 0;
  }
  std::string out;
  for (size_t i = 0; i < chunk.size();) {
    size_t length = utf8Length(chunk[i]);
    std::string_view character = chunk.substr(i, length);
    i += length;
    if (character != content) {
      toCut = 0;
      for (; held; --held)
        out += content;
      out += character;
    } else if (toCut) {
      --toCut;
    } else if (held < stop) {
      ++held;
    } else {
      out += content;
    }
  }
  next.feed(out, begins, ends);
}

void LiteralReplaceStage::feed(std::string_view chunk, bool begins, bool ends) {
  pending += chunk;
  std::string out;
  size_t at = 0;
  for (size_t found; (found = pending.find(pattern, at)) != pending.npos; at = found + pattern.size()) {
    out.append(pending, at, found - at);
    out += content;
  }
  // The end of a chunk may be the beginning of the pattern.
  size_t keep = ends ? 0 : std::min(pattern.size() - 1, pending.size() - at);
  while (keep && !pattern.starts_with(std::string_view(pending).substr(pending.size() - keep)))
    --keep;
  out.append(pending, at, pending.size() - keep - at);
  pending.erase(0, pending.size() - keep);
  next.feed(out, begins, ends);
}

void MetaspaceStage::feed(std::string_view chunk, bool begins, bool ends) {
  std::string out = replaceAll(chunk, mark, inFirst && dropFirst ? "" : " ");
  inFirst = inFirst && !ends;
  next.feed(out, begins, ends);
}

void SuffixStage::take(std::string_view token) {
  if (any)
    emit(replaceAll(last, suffix, " "));
  last = token;
  any = true;
}

void SuffixStage::finish() {
  if (any)
    emit(replaceAll(last, suffix, ""));
  next.finish();
}

void CtcStage::take(std::string_view token) {
  if (any && previous == token)
    return;
  previous = token;
  any = true;
  std::string text = replaceAll(token, pad, "");
  if (cleanup)
    text = replaceAll(cleanUpEnglish(text), delimiter, " ");
  if (!text.empty())
    emit(text);
}

std::string replaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  if (from.empty()) {
    for (size_t i = 0; i < text.size(); i += utf8Length(text[i])) {
      out += to;
      out += text.substr(i, utf8Length(text[i]));
    }
    return out += to;
  }
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != text.npos; at = found + from.size()) {
    out += text.substr(at, found - at);
    out += to;
  }
  return out += text.substr(at);
}

std::string cleanUpEnglish(std::string_view text) {
  static constexpr std::pair<std::string_view, std::string_view> rules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  std::string out(text);
  if (out.find(' ') == out.npos)
    return out;
  for (auto [from, to] : rules)
    out = replaceAll(out, from, to);
  return out;
}

} // namespace yoke
