#include "Tokenizer/Normalizer.h"

#include "Tokenizer/ByteLevel.h"
#include "Tokenizer/Precompiled.h"
#include "Tokenizer/UnicodeClasses.h"
#include "Tokenizer/UnicodeForms.h"

namespace yoke {
namespace {

/// Calls `visit(rewriter, character)` for every character, which must keep or drop it.
template <class Visit> void rewrite(Text &text, Visit visit) {
  Rewriter rewriter(text);
  for (size_t i = 0; i < text.bytes.size();)
    visit(rewriter, nextCodePoint(text.bytes, i));
  text = rewriter.finish();
}

template <class Removed> void removeIf(Text &text, Removed removed) {
  rewrite(text, [&](Rewriter &out, char32_t c) { removed(c) ? out.drop() : out.keep(c); });
}

void lowercase(Text &text) {
  rewrite(text, [](Rewriter &out, char32_t c) {
    auto [first, second] = lowerCase(c);
    out.keep(first);
    if (second)
      out.insert(second);
  });
}

void toForm(Text &text, UnicodeForm form) {
  if (text.atStart && text.front)
    text.front = normalizeUnicode(std::string_view(text.bytes).substr(0, text.front), form).size();
  text.bytes = normalizeUnicode(text.bytes, form);
  text.front = std::min(text.front, text.bytes.size());
}

/// A normalizer that is a plain function of the text.
template <class Function> class Simple final : public Normalizer {
public:
  explicit Simple(Function function) : function(std::move(function)) {}
  Status apply(Text &text, RegexBudget &) const override {
    function(text);
    return {};
  }

private:
  Function function;
};
template <class Function> std::unique_ptr<Normalizer> simple(Function function) {
  return std::make_unique<Simple<Function>>(std::move(function));
}

bool isChinese(char32_t c) {
  static constexpr std::pair<char32_t, char32_t> blocks[] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                                             {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                                             {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  for (auto [first, last] : blocks)
    if (c >= first && c <= last)
      return true;
  return false;
}

struct Bert {
  bool cleanText, chinese, stripAccents, lower;

  void operator()(Text &text) const {
    if (cleanText)
      rewrite(text,
              [](Rewriter &out, char32_t c) { isBertRemoved(c) ? out.drop() : out.keep(isWhitespace(c) ? U' ' : c); });
    if (chinese)
      rewrite(text, [](Rewriter &out, char32_t c) {
        if (!isChinese(c))
          return out.keep(c);
        out.keep(U' ');
        out.insert(c);
        out.insert(U' ');
      });
    if (stripAccents) {
      toForm(text, UnicodeForm::NFD);
      removeIf(text, isNonSpacingMark);
    }
    if (lower)
      lowercase(text);
  }
};

void strip(Text &text, bool left, bool right) {
  std::string_view bytes = text.bytes;
  size_t begin = 0, end = bytes.size();
  for (size_t next = 0; left && begin < end; begin = next)
    if (!isWhitespace(nextCodePoint(bytes, next)))
      break;
  while (right && end > begin) {
    size_t previous = previousCharacter(bytes, end), i = previous;
    if (!isWhitespace(nextCodePoint(bytes, i)))
      break;
    end = previous;
  }
  text.front = std::min(text.front, end) - std::min(text.front, begin);
  text.bytes = text.bytes.substr(begin, end - begin);
}

void nmt(Text &text) {
  rewrite(text, [](Rewriter &out, char32_t c) {
    if ((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F)
      return out.drop();
    bool space = c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                 c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    out.keep(space ? U' ' : c);
  });
}

void byteLevel(Text &text) {
  std::string mapped, front;
  appendByteLevel(mapped, text.bytes);
  appendByteLevel(front, std::string_view(text.bytes).substr(0, text.front));
  text.bytes = std::move(mapped);
  text.front = front.size();
}

class Replace final : public Normalizer {
public:
  Replace(Regex pattern, std::string content) : pattern(std::move(pattern)), content(std::move(content)) {}

  Status apply(Text &text, RegexBudget &budget) const override {
    std::vector<Stretch> stretches;
    YOKE_TRY(pattern.cut(text.bytes, budget, stretches));
    Text out;
    out.atStart = text.atStart;
    for (const Stretch &s : stretches) {
      // The content counts as part of the last character it replaces.
      bool first = s.isMatch ? s.end == 0 || s.end <= text.front : s.begin < text.front;
      out.bytes +=
          s.isMatch ? std::string_view(content) : std::string_view(text.bytes).substr(s.begin, s.end - s.begin);
      if (text.atStart && first)
        out.front += s.isMatch ? content.size() : std::min(s.end, text.front) - s.begin;
    }
    text = std::move(out);
    return {};
  }

private:
  Regex pattern;
  std::string content;
};

class Sequence final : public Normalizer {
public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps(std::move(steps)) {}
  Status apply(Text &text, RegexBudget &budget) const override {
    for (const auto &step : steps)
      YOKE_TRY(step->apply(text, budget));
    return {};
  }

private:
  std::vector<std::unique_ptr<Normalizer>> steps;
};

Result<std::unique_ptr<Normalizer>> makeBert(const JsonObject &config) {
  Bert bert;
  bert.cleanText = YOKE_TRY(config.boolean("clean_text"));
  bert.chinese = YOKE_TRY(config.boolean("handle_chinese_chars"));
  bert.lower = YOKE_TRY(config.boolean("lowercase"));
  bert.stripAccents = YOKE_TRY(config.boolean("strip_accents", bert.lower));
  return simple(bert);
}

} // namespace

Result<Regex> readPattern(const JsonObject &config) {
  JsonObject pattern = YOKE_TRY(config.object("pattern"));
  bool isRegex = pattern.has("Regex");
  if (isRegex == pattern.has("String"))
    return config.error("pattern", "expected an object with one of \"String\" and \"Regex\"");
  std::string text = YOKE_TRY(pattern.string(isRegex ? "Regex" : "String"));
  std::string place = config.source() + ": " + config.path() + ".pattern";
  return isRegex ? Regex::compile(text, place) : Regex::literal(text, place);
}

Result<std::unique_ptr<Normalizer>> makeNormalizer(const JsonObject &config) {
  std::string type = YOKE_TRY(config.string("type"));
  if (type == "BertNormalizer")
    return makeBert(config);
  if (type == "Strip") {
    bool left = YOKE_TRY(config.boolean("strip_left")), right = YOKE_TRY(config.boolean("strip_right"));
    return simple([left, right](Text &text) { strip(text, left, right); });
  }
  if (type == "StripAccents")
    return simple([](Text &text) { removeIf(text, isCombiningMark); });
  static constexpr std::pair<std::string_view, UnicodeForm> forms[] = {
      {"NFC", UnicodeForm::NFC}, {"NFD", UnicodeForm::NFD}, {"NFKC", UnicodeForm::NFKC}, {"NFKD", UnicodeForm::NFKD}};
  for (auto [name, form] : forms)
    if (type == name)
      return simple([form = form](Text &text) { toForm(text, form); });
  if (type == "Lowercase")
    return simple(lowercase);
  if (type == "Nmt")
    return simple(nmt);
  if (type == "ByteLevel")
    return simple(byteLevel);
  if (type == "Prepend") {
    std::string prefix = YOKE_TRY(config.string("prepend"));
    return simple([prefix](Text &text) {
      if (text.bytes.empty())
        return;
      text.bytes.insert(0, prefix);
      text.front += text.front ? prefix.size() : 0;
    });
  }
  if (type == "Replace") {
    std::string content = YOKE_TRY(config.string("content"));
    return std::make_unique<Replace>(YOKE_TRY(readPattern(config)), std::move(content));
  }
  if (type == "Precompiled")
    return makePrecompiled(config);
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Normalizer>> steps;
    for (const JsonObject &step : YOKE_TRY(config.objects("normalizers")))
      steps.push_back(YOKE_TRY(makeNormalizer(step)));
    return std::make_unique<Sequence>(std::move(steps));
  }
  return config.error("type", "unsupported normalizer " + type);
}

} // namespace yoke
