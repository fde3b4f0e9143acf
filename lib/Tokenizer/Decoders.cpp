#include "Tokenizer/DecodeStages.h"
#include "Tokenizer/Normalizer.h"

namespace yoke {
namespace {

/// A decoder that is one stage, made by a function.
template <class Make> class SingleStage final : public Decoder {
public:
  explicit SingleStage(Make make) : make(std::move(make)) {}
  DecodeStage &start(DecodeStage &next, DecodeChain &chain) const override {
    chain.push_back(make(next));
    return *chain.back();
  }

private:
  Make make;
};
template <class Make> std::unique_ptr<Decoder> stage(Make make) {
  return std::make_unique<SingleStage<Make>>(std::move(make));
}
template <class Stage> std::unique_ptr<Decoder> stageOf() {
  return stage([](DecodeStage &next) { return std::make_unique<Stage>(next); });
}

class Mapping final : public Decoder {
public:
  explicit Mapping(MapStage::Map map) : map(std::move(map)) {}
  DecodeStage &start(DecodeStage &next, DecodeChain &chain) const override {
    chain.push_back(std::make_unique<MapStage>(next, map));
    return *chain.back();
  }

private:
  MapStage::Map map;
};

class Replace final : public Decoder {
public:
  Replace(Regex pattern, std::string content) : pattern(std::move(pattern)), content(std::move(content)) {
    map = [this](std::string_view token, size_t) { return replace(token); };
  }
  DecodeStage &start(DecodeStage &next, DecodeChain &chain) const override {
    if (!pattern.literalText().empty())
      chain.push_back(std::make_unique<LiteralReplaceStage>(next, pattern.literalText(), content));
    else
      chain.push_back(std::make_unique<MapStage>(next, map));
    return *chain.back();
  }

private:
  /// A token for which the pattern takes too long stays as it is.
  std::string replace(std::string_view token) const {
    RegexBudget budget(token.size());
    std::vector<Stretch> stretches;
    if (!pattern.cut(token, budget, stretches))
      return std::string(token);
    std::string out;
    for (const Stretch &s : stretches)
      out += s.isMatch ? std::string_view(content) : token.substr(s.begin, s.end - s.begin);
    return out;
  }

  Regex pattern;
  std::string content;
  MapStage::Map map;
};

class Sequence final : public Decoder {
public:
  explicit Sequence(std::vector<std::unique_ptr<Decoder>> steps) : steps(std::move(steps)) {}
  DecodeStage &start(DecodeStage &next, DecodeChain &chain) const override {
    DecodeStage *first = &next;
    for (size_t i = steps.size(); i-- > 0;)
      first = &steps[i]->start(*first, chain);
    return *first;
  }

private:
  std::vector<std::unique_ptr<Decoder>> steps;
};

Result<std::string> readCharacter(const JsonObject &config, std::string_view key) {
  std::string text = YOKE_TRY(config.string(key));
  if (text.empty() || utf8Length(text[0]) != text.size())
    return config.error(key, "expected a string of one character");
  return text;
}

Result<std::unique_ptr<Decoder>> makeMetaspace(const JsonObject &config) {
  std::string mark = YOKE_TRY(readCharacter(config, "replacement"));
  bool prepends = YOKE_TRY(config.boolean("add_prefix_space", true));
  if (config.has("prepend_scheme"))
    prepends = YOKE_TRY(config.choice("prepend_scheme", {"never", "first", "always"})) != 0 && prepends;
  return stage([mark, prepends](DecodeStage &next) { return std::make_unique<MetaspaceStage>(next, mark, prepends); });
}

Result<std::unique_ptr<Decoder>> makeStrip(const JsonObject &config) {
  std::string content = YOKE_TRY(readCharacter(config, "content"));
  auto start = static_cast<size_t>(YOKE_TRY(config.integer("start", 0, INT32_MAX)));
  auto stop = static_cast<size_t>(YOKE_TRY(config.integer("stop", 0, INT32_MAX)));
  return stage([=](DecodeStage &next) { return std::make_unique<StripStage>(next, content, start, stop); });
}

Result<std::unique_ptr<Decoder>> makeWordPiece(const JsonObject &config) {
  std::string prefix = YOKE_TRY(config.string("prefix"));
  bool cleanup = YOKE_TRY(config.boolean("cleanup"));
  return std::make_unique<Mapping>([prefix, cleanup](std::string_view token, size_t index) {
    std::string text(token);
    if (index > 0)
      text = token.starts_with(prefix) ? text.substr(prefix.size()) : " " + text;
    return cleanup ? cleanUpEnglish(text) : text;
  });
}

Result<std::unique_ptr<Decoder>> makeCtc(const JsonObject &config) {
  std::string pad = YOKE_TRY(config.string("pad_token"));
  std::string delimiter = YOKE_TRY(config.string("word_delimiter_token"));
  bool cleanup = YOKE_TRY(config.boolean("cleanup"));
  return stage([=](DecodeStage &next) { return std::make_unique<CtcStage>(next, pad, delimiter, cleanup); });
}

} // namespace

Result<std::unique_ptr<Decoder>> makeDecoder(const JsonObject *config) {
  if (!config)
    return std::make_unique<Mapping>(
        [](std::string_view token, size_t index) { return (index ? " " : "") + std::string(token); });
  std::string type = YOKE_TRY(config->string("type"));
  if (type == "ByteLevel")
    return stageOf<ByteLevelStage>();
  if (type == "ByteFallback")
    return stageOf<ByteFallbackStage>();
  if (type == "Fuse")
    return stageOf<FuseStage>();
  if (type == "Metaspace")
    return makeMetaspace(*config);
  if (type == "Strip")
    return makeStrip(*config);
  if (type == "WordPiece")
    return makeWordPiece(*config);
  if (type == "CTC")
    return makeCtc(*config);
  if (type == "BPEDecoder") {
    std::string suffix = YOKE_TRY(config->string("suffix"));
    return stage([suffix](DecodeStage &next) { return std::make_unique<SuffixStage>(next, suffix); });
  }
  if (type == "Replace") {
    std::string content = YOKE_TRY(config->string("content"));
    return std::make_unique<Replace>(YOKE_TRY(readPattern(*config)), std::move(content));
  }
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Decoder>> steps;
    for (const JsonObject &step : YOKE_TRY(config->objects("decoders")))
      steps.push_back(YOKE_TRY(makeDecoder(&step)));
    return std::make_unique<Sequence>(std::move(steps));
  }
  return config->error("type", "unsupported decoder " + type);
}

} // namespace yoke
