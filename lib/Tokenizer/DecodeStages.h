// Stages that decoders are made of.
#pragma once

#include "Tokenizer/Decoder.h"

#include <functional>

namespace yoke {

/// Collects each token and hands it on whole.
class WholeTokenStage : public DecodeStage {
public:
  explicit WholeTokenStage(DecodeStage &next) : next(next) {}
  void feed(std::string_view chunk, bool begins, bool ends) final;
  void finish() override { next.finish(); }

protected:
  virtual void take(std::string_view token) = 0;
  void emit(std::string_view token) { next.feed(token, true, true); }

  DecodeStage &next;

private:
  std::string pending;
};

/// Replaces each token by `map(token, index)`.
class MapStage final : public WholeTokenStage {
public:
  using Map = std::function<std::string(std::string_view token, size_t index)>;
  MapStage(DecodeStage &next, const Map &map) : WholeTokenStage(next), map(map) {}

private:
  void take(std::string_view token) override { emit(map(token, index++)); }

  const Map &map;
  size_t index = 0;
};

/// Bytes of a byte-level alphabet; passes on characters as soon as they are whole, as one token.
class ByteLevelStage final : public WholeTokenStage {
public:
  using WholeTokenStage::WholeTokenStage;
  void finish() override;

private:
  void take(std::string_view token) override;
  void pass(bool last);

  std::string bytes;
  bool began = false;
};

/// Runs of tokens like <0x41> become characters, or one U+FFFD each where a run is not valid UTF-8. A run is passed on
/// when it is over.
class ByteFallbackStage final : public WholeTokenStage {
public:
  using WholeTokenStage::WholeTokenStage;
  void finish() override;

private:
  void take(std::string_view token) override;
  void passRun();

  std::string run;
};

/// Makes one token of all.
class FuseStage final : public DecodeStage {
public:
  explicit FuseStage(DecodeStage &next) : next(next) {}
  void feed(std::string_view chunk, bool begins, bool ends) override;
  void finish() override;

private:
  DecodeStage &next;
  bool began = false;
};

/// Removes up to `start` leading and `stop` trailing characters `content` of each token.
class StripStage final : public DecodeStage {
public:
  StripStage(DecodeStage &next, std::string_view content, size_t start, size_t stop)
      : next(next), content(content), start(start), stop(stop) {}
  void feed(std::string_view chunk, bool begins, bool ends) override;
  void finish() override { next.finish(); }

private:
  DecodeStage &next;
  std::string_view content;
  size_t start, stop;
  size_t toCut = 0, held = 0;
};

/// Replaces a fixed, non-empty string within each token.
class LiteralReplaceStage final : public DecodeStage {
public:
  LiteralReplaceStage(DecodeStage &next, std::string_view pattern, std::string_view content)
      : next(next), pattern(pattern), content(content) {}
  void feed(std::string_view chunk, bool begins, bool ends) override;
  void finish() override { next.finish(); }

private:
  DecodeStage &next;
  std::string_view pattern, content;
  std::string pending;
};

/// Replaces a character by a space; drops it from the first token when `dropFirst`.
class MetaspaceStage final : public DecodeStage {
public:
  MetaspaceStage(DecodeStage &next, std::string_view mark, bool dropFirst)
      : next(next), mark(mark), dropFirst(dropFirst) {}
  void feed(std::string_view chunk, bool begins, bool ends) override;
  void finish() override { next.finish(); }

private:
  DecodeStage &next;
  std::string_view mark;
  bool dropFirst;
  bool inFirst = true;
};

/// Replaces the end-of-word suffix by a space, except in the last token.
class SuffixStage final : public WholeTokenStage {
public:
  SuffixStage(DecodeStage &next, std::string_view suffix) : WholeTokenStage(next), suffix(suffix) {}
  void finish() override;

private:
  void take(std::string_view token) override;

  std::string_view suffix;
  std::string last;
  bool any = false;
};

/// Connectionist temporal classification: repeated tokens count once, the pad token not at all.
class CtcStage final : public WholeTokenStage {
public:
  CtcStage(DecodeStage &next, std::string_view pad, std::string_view delimiter, bool cleanup)
      : WholeTokenStage(next), pad(pad), delimiter(delimiter), cleanup(cleanup) {}

private:
  void take(std::string_view token) override;

  std::string_view pad, delimiter;
  bool cleanup;
  std::string previous;
  bool any = false;
};

/// Every occurrence of `from` in `text` replaced by `to`; an empty `from` occurs between all characters.
std::string replaceAll(std::string_view text, std::string_view from, std::string_view to);

/// Takes back spaces before English punctuation and contractions.
std::string cleanUpEnglish(std::string_view text);

} // namespace yoke
