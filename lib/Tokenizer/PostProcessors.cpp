#include "Tokenizer/PostProcessor.h"

#include "Support/Text.h"

#include <algorithm>
#include <map>

namespace yoke {
namespace {

class Nothing final : public PostProcessor {
public:
  Status apply(TokenGroups &, bool) const override { return {}; }
  int32_t maxId() const override { return -1; }
};

/// A first token and a separator, as BERT and RoBERTa have them.
class Surround final : public PostProcessor {
public:
  int32_t first, separator;
  bool separatorBeforeOthers;

  Status apply(TokenGroups &groups, bool addSpecialTokens) const override {
    if (!addSpecialTokens)
      return {};
    for (size_t i = 0; i < groups.size(); ++i) {
      if (i == 0 || separatorBeforeOthers)
        groups[i].insert(groups[i].begin(), i == 0 ? first : separator);
      groups[i].push_back(separator);
    }
    return {};
  }
  int32_t maxId() const override { return std::max(first, separator); }
};

class Template final : public PostProcessor {
public:
  struct Part {
    int sequence = -1; ///< 0 or 1: an input; -1: `tokens`
    std::vector<int32_t> tokens;
  };
  std::vector<Part> single, pair;
  std::string place;

  Status apply(TokenGroups &groups, bool addSpecialTokens) const override {
    if (groups.empty() || groups.size() > 2)
      return malformed("{}: a template works on one or two sequences, not on {}", place, groups.size());
    TokenGroups out;
    for (const Part &part : groups.size() == 1 ? single : pair) {
      if (part.sequence >= 0)
        out.push_back(groups[static_cast<size_t>(part.sequence)]);
      else if (addSpecialTokens)
        out.push_back(part.tokens);
    }
    groups = std::move(out);
    return {};
  }
  int32_t maxId() const override {
    int32_t largest = -1;
    for (const auto *parts : {&single, &pair})
      for (const Part &part : *parts)
        for (int32_t id : part.tokens)
          largest = std::max(largest, id);
    return largest;
  }
};

class Sequence final : public PostProcessor {
public:
  std::vector<std::unique_ptr<PostProcessor>> steps;

  Status apply(TokenGroups &groups, bool addSpecialTokens) const override {
    for (const auto &step : steps)
      YOKE_TRY(step->apply(groups, addSpecialTokens));
    return {};
  }
  int32_t maxId() const override {
    int32_t largest = -1;
    for (const auto &step : steps)
      largest = std::max(largest, step->maxId());
    return largest;
  }
};

constexpr size_t MaxTemplateParts = 64;

/// A pair [token, id].
Result<int32_t> readTokenPair(const JsonObject &config, std::string_view key) {
  const Json &pair = *YOKE_TRY(config.array(key));
  if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_number_unsigned() || pair[1].get<uint64_t>() > INT32_MAX)
    return config.error(key, "expected [token, id]");
  return pair[1].get<int32_t>();
}

using SpecialTokens = std::map<std::string, std::vector<int32_t>>;

Result<std::vector<Template::Part>> readTemplate(const JsonObject &config, std::string_view key, int sequences,
                                                 const SpecialTokens &special) {
  std::vector<Template::Part> parts;
  for (const JsonObject &piece : YOKE_TRY(config.objects(key, MaxTemplateParts))) {
    Template::Part part;
    if (piece.has("Sequence") == piece.has("SpecialToken"))
      return piece.error("", "expected an object with one of \"Sequence\" and \"SpecialToken\"");
    if (piece.has("Sequence")) {
      JsonObject sequence = YOKE_TRY(piece.object("Sequence"));
      part.sequence = static_cast<int>(YOKE_TRY(sequence.choice("id", {"A", "B"})));
      YOKE_TRY(sequence.integer("type_id", 0, UINT32_MAX));
      if (part.sequence >= sequences)
        return sequence.error("id", "there is no sequence B in a template for a single one");
    } else {
      JsonObject token = YOKE_TRY(piece.object("SpecialToken"));
      std::string name = YOKE_TRY(token.string("id"));
      YOKE_TRY(token.integer("type_id", 0, UINT32_MAX));
      auto found = special.find(name);
      if (found == special.end())
        return token.error("id", quote(name) + " is not in special_tokens");
      part.tokens = found->second;
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<std::unique_ptr<PostProcessor>> makeTemplate(const JsonObject &config) {
  SpecialTokens special;
  JsonObject tokens = YOKE_TRY(config.object("special_tokens"));
  for (const auto &member : tokens.json().items()) {
    JsonObject token = YOKE_TRY(tokens.object(member.key()));
    YOKE_TRY(token.strings("tokens"));
    for (int64_t id : YOKE_TRY(token.integers("ids", 0, INT32_MAX)))
      special[member.key()].push_back(static_cast<int32_t>(id));
    special[member.key()];
  }
  auto result = std::make_unique<Template>();
  result->place = config.source() + ": " + config.path();
  result->single = YOKE_TRY(readTemplate(config, "single", 1, special));
  result->pair = YOKE_TRY(readTemplate(config, "pair", 2, special));
  return result;
}

} // namespace

Result<std::unique_ptr<PostProcessor>> makePostProcessor(const JsonObject &config) {
  std::string type = YOKE_TRY(config.string("type"));
  if (type == "ByteLevel")
    return std::make_unique<Nothing>();
  if (type == "TemplateProcessing")
    return makeTemplate(config);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    auto result = std::make_unique<Surround>();
    result->separator = YOKE_TRY(readTokenPair(config, "sep"));
    result->first = YOKE_TRY(readTokenPair(config, "cls"));
    result->separatorBeforeOthers = type == "RobertaProcessing";
    return result;
  }
  if (type == "Sequence") {
    auto result = std::make_unique<Sequence>();
    for (const JsonObject &step : YOKE_TRY(config.objects("processors")))
      result->steps.push_back(YOKE_TRY(makePostProcessor(step)));
    return result;
  }
  return config.error("type", "unsupported post-processor " + type);
}

} // namespace yoke
