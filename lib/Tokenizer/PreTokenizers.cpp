#include "Tokenizer/PreTokenizer.h"

#include "Tokenizer/ByteLevel.h"
#include "Tokenizer/Normalizer.h"
#include "Tokenizer/Splitting.h"
#include "Tokenizer/UnicodeClasses.h"

namespace yoke {
namespace {

/// Replaces each text piece by the pieces that `split(piece, view, out)` appends.
template <class Split> Status splitPieces(PreTokenized &all, Split split) {
  std::vector<Piece> out;
  out.reserve(all.pieces.size());
  for (const Piece &piece : all.pieces) {
    if (!piece.isText())
      out.push_back(piece);
    else if (Status status = split(piece, all.view(piece), out); !status)
      return status;
  }
  all.pieces = std::move(out);
  return {};
}

/// Rewrites the text of all pieces: `change(piece, view, text)` appends the new text and may alter the piece, whose
/// begin and end are then set.
template <class Change> void changeText(PreTokenized &all, Change change) {
  std::string text;
  text.reserve(all.text.size() + all.text.size() / 4);
  for (Piece &piece : all.pieces) {
    if (!piece.isText())
      continue;
    std::string_view view = all.view(piece);
    size_t begin = text.size();
    change(piece, view, text);
    piece.begin = begin;
    piece.end = text.size();
  }
  all.text = std::move(text);
}

class Split final : public PreTokenizer {
public:
  Split(Regex pattern, SplitBehavior behavior, bool invert)
      : pattern(std::move(pattern)), behavior(behavior), invert(invert) {}

  Status apply(PreTokenized &all, RegexBudget &budget) const override {
    std::vector<Stretch> stretches;
    return splitPieces(all, [&](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
      YOKE_TRY(pattern.cut(view, budget, stretches));
      if (invert)
        for (Stretch &s : stretches)
          s.isMatch = !s.isMatch;
      appendSplit(piece, stretches, behavior, out);
      return {};
    });
  }

private:
  Regex pattern;
  SplitBehavior behavior;
  bool invert;
};

/// Cuts at single characters.
template <class IsDelimiter> class CharacterSplit final : public PreTokenizer {
public:
  CharacterSplit(IsDelimiter isDelimiter, SplitBehavior behavior) : isDelimiter(isDelimiter), behavior(behavior) {}

  Status apply(PreTokenized &all, RegexBudget &) const override {
    std::vector<Stretch> stretches;
    return splitPieces(all, [&](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
      cutAtCharacters(view, isDelimiter, stretches);
      appendSplit(piece, stretches, behavior, out);
      return {};
    });
  }

private:
  IsDelimiter isDelimiter;
  SplitBehavior behavior;
};
template <class IsDelimiter> std::unique_ptr<PreTokenizer> splitAt(IsDelimiter isDelimiter, SplitBehavior behavior) {
  return std::make_unique<CharacterSplit<IsDelimiter>>(isDelimiter, behavior);
}

class ByteLevel final : public PreTokenizer {
public:
  ByteLevel(bool addPrefixSpace, std::optional<Regex> pattern)
      : addPrefixSpace(addPrefixSpace), pattern(std::move(pattern)) {}

  Status apply(PreTokenized &all, RegexBudget &budget) const override {
    if (addPrefixSpace)
      changeText(all, [](Piece &piece, std::string_view view, std::string &text) {
        if (!view.starts_with(' ')) {
          text += ' ';
          piece.front += piece.front ? 1 : 0;
        }
        text += view;
      });
    if (pattern) {
      std::vector<Stretch> stretches;
      YOKE_TRY(splitPieces(all, [&](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
        YOKE_TRY(pattern->cut(view, budget, stretches));
        appendSplit(piece, stretches, SplitBehavior::Isolated, out);
        return {};
      }));
    }
    changeText(all, [](Piece &piece, std::string_view view, std::string &text) {
      size_t begin = text.size();
      appendByteLevel(text, view.substr(0, piece.front));
      size_t front = text.size() - begin;
      appendByteLevel(text, view.substr(piece.front));
      piece.front = front;
    });
    return {};
  }

private:
  bool addPrefixSpace;
  std::optional<Regex> pattern;
};

enum class PrependScheme { First, Never, Always };

class Metaspace final : public PreTokenizer {
public:
  Metaspace(std::string mark, PrependScheme scheme, bool split) : mark(std::move(mark)), scheme(scheme), split(split) {}

  Status apply(PreTokenized &all, RegexBudget &) const override {
    changeText(all, [&](Piece &piece, std::string_view view, std::string &text) {
      size_t begin = text.size(), front = 0;
      bool marked = view.starts_with(' ') || view.starts_with(mark);
      bool prepend = scheme == PrependScheme::Always || (scheme == PrependScheme::First && piece.atStart);
      if (prepend && !marked)
        text += mark;
      for (size_t i = 0; i < view.size(); ++i) {
        if (i == piece.front)
          front = text.size() - begin;
        if (view[i] == ' ')
          text += mark;
        else
          text += view[i];
      }
      piece.front = piece.front == 0 ? 0 : piece.front >= view.size() ? text.size() - begin : front;
    });
    if (!split)
      return {};
    size_t markPosition = 0;
    char32_t markCharacter = nextCodePoint(mark, markPosition);
    std::vector<Stretch> stretches;
    return splitPieces(all, [&](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
      cutAtCharacters(view, [&](char32_t c) { return c == markCharacter; }, stretches);
      appendSplit(piece, stretches, SplitBehavior::MergedWithNext, out);
      return {};
    });
  }

private:
  std::string mark;
  PrependScheme scheme;
  bool split;
};

/// Runs of word characters, and runs of characters that are neither word characters nor white space.
class Whitespace final : public PreTokenizer {
public:
  Status apply(PreTokenized &all, RegexBudget &) const override {
    return splitPieces(all, [](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
      enum Kind { Space, Word, Other } previous = Space;
      size_t begin = 0;
      for (size_t at = 0; at < view.size();) {
        size_t from = at;
        char32_t c = nextCodePoint(view, at);
        Kind kind = isWord(c) ? Word : isWhitespace(c) ? Space : Other;
        if (kind != previous) {
          if (previous != Space)
            out.push_back(slice(piece, begin, from));
          begin = from;
        }
        previous = kind;
      }
      if (previous != Space)
        out.push_back(slice(piece, begin, view.size()));
      return {};
    });
  }
};

/// Cuts between different scripts. Text before the first character that has a script is lost, as in the reference.
class UnicodeScripts final : public PreTokenizer {
public:
  Status apply(PreTokenized &all, RegexBudget &) const override {
    return splitPieces(all, [](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
      uint8_t last = 0;
      std::optional<size_t> begin;
      for (size_t at = 0; at < view.size();) {
        size_t from = at;
        uint8_t script = sentencePieceScript(nextCodePoint(view, at));
        if (!script)
          continue;
        if (script != last) {
          if (begin)
            out.push_back(slice(piece, *begin, from));
          begin = from;
        }
        last = script;
      }
      if (begin)
        out.push_back(slice(piece, *begin, view.size()));
      return {};
    });
  }
};

class FixedLength final : public PreTokenizer {
public:
  explicit FixedLength(size_t length) : length(length) {}
  Status apply(PreTokenized &all, RegexBudget &) const override {
    return splitPieces(all, [&](const Piece &piece, std::string_view view, std::vector<Piece> &out) -> Status {
      for (size_t at = 0; at < view.size();) {
        size_t begin = at;
        for (size_t i = 0; i < length && at < view.size(); ++i)
          at += utf8Length(view[at]);
        out.push_back(slice(piece, begin, at));
      }
      return {};
    });
  }

private:
  size_t length;
};

class Sequence final : public PreTokenizer {
public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> steps) : steps(std::move(steps)) {}
  Status apply(PreTokenized &all, RegexBudget &budget) const override {
    for (const auto &step : steps)
      YOKE_TRY(step->apply(all, budget));
    return {};
  }

private:
  std::vector<std::unique_ptr<PreTokenizer>> steps;
};

Result<std::string> readCharacter(const JsonObject &config, std::string_view key) {
  std::string text = YOKE_TRY(config.string(key));
  if (text.empty() || utf8Length(text[0]) != text.size())
    return config.error(key, "expected a string of one character");
  return text;
}

Result<std::unique_ptr<PreTokenizer>> makeMetaspace(const JsonObject &config) {
  std::string mark = YOKE_TRY(readCharacter(config, "replacement"));
  PrependScheme scheme = PrependScheme::Always;
  if (config.has("prepend_scheme"))
    scheme = static_cast<PrependScheme>(YOKE_TRY(config.choice("prepend_scheme", {"first", "never", "always"})));
  if (!YOKE_TRY(config.boolean("add_prefix_space", true))) {
    if (config.has("prepend_scheme") && scheme != PrependScheme::Never)
      return config.error("add_prefix_space", "false does not go with this prepend_scheme");
    scheme = PrependScheme::Never;
  }
  return std::make_unique<Metaspace>(std::move(mark), scheme, YOKE_TRY(config.boolean("split", true)));
}

Result<std::unique_ptr<PreTokenizer>> makeByteLevel(const JsonObject &config) {
  static constexpr std::string_view gpt2 =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  std::optional<Regex> pattern;
  if (YOKE_TRY(config.boolean("use_regex", true)))
    pattern = YOKE_TRY(Regex::compile(gpt2, config.source() + ": " + config.path()));
  return std::make_unique<ByteLevel>(YOKE_TRY(config.boolean("add_prefix_space")), std::move(pattern));
}

} // namespace

Result<std::unique_ptr<PreTokenizer>> makePreTokenizer(const JsonObject &config) {
  std::string type = YOKE_TRY(config.string("type"));
  if (type == "ByteLevel")
    return makeByteLevel(config);
  if (type == "Metaspace")
    return makeMetaspace(config);
  if (type == "Split") {
    SplitBehavior behavior = YOKE_TRY(readSplitBehavior(config, "behavior"));
    bool invert = YOKE_TRY(config.boolean("invert"));
    return std::make_unique<Split>(YOKE_TRY(readPattern(config)), behavior, invert);
  }
  if (type == "Digits") {
    bool single = YOKE_TRY(config.boolean("individual_digits"));
    return splitAt(isNumeric, single ? SplitBehavior::Isolated : SplitBehavior::Contiguous);
  }
  if (type == "Punctuation") {
    SplitBehavior behavior =
        config.has("behavior") ? YOKE_TRY(readSplitBehavior(config, "behavior")) : SplitBehavior::Isolated;
    return splitAt(isPunctuation, behavior);
  }
  if (type == "Whitespace")
    return std::make_unique<Whitespace>();
  if (type == "WhitespaceSplit")
    return splitAt(isWhitespace, SplitBehavior::Removed);
  if (type == "CharDelimiterSplit") {
    std::string delimiter = YOKE_TRY(readCharacter(config, "delimiter"));
    size_t at = 0;
    char32_t wanted = nextCodePoint(delimiter, at);
    return splitAt([wanted](char32_t c) { return c == wanted; }, SplitBehavior::Removed);
  }
  if (type == "UnicodeScripts")
    return std::make_unique<UnicodeScripts>();
  if (type == "FixedLength")
    return std::make_unique<FixedLength>(static_cast<size_t>(YOKE_TRY(config.integer("length", 1, INT32_MAX, 5))));
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  if (type == "BertPreTokenizer") {
    steps.push_back(splitAt(isWhitespace, SplitBehavior::Removed));
    steps.push_back(splitAt(isPunctuation, SplitBehavior::Isolated));
    return std::make_unique<Sequence>(std::move(steps));
  }
  if (type == "Sequence") {
    for (const JsonObject &step : YOKE_TRY(config.objects("pretokenizers")))
      steps.push_back(YOKE_TRY(makePreTokenizer(step)));
    return std::make_unique<Sequence>(std::move(steps));
  }
  return config.error("type", "unsupported pre-tokenizer " + type);
}

} // namespace yoke
