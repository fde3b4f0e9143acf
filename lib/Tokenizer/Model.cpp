#include "Tokenizer/Model.h"

#include "Support/Text.h"

namespace yoke {

std::optional<std::string_view> ModelSource::find(std::string_view key) const {
  for (const auto &[name, value] : members)
    if (name == key && value != "null")
      return value;
  return std::nullopt;
}

tl::unexpected<Error> ModelSource::error(std::string_view key, std::string_view rule) const {
  return malformed("{}: model.{}: {}", file, key, rule);
}

Result<std::optional<std::string>> ModelSource::string(std::string_view key) const {
  std::optional<std::string_view> value = find(key);
  if (!value)
    return std::optional<std::string>();
  JsonCursor reader = cursor(*value);
  std::string_view text;
  if (!reader.string(text))
    return reader.error("model." + std::string(key));
  return std::optional<std::string>(text);
}

Result<bool> ModelSource::flag(std::string_view key) const {
  std::optional<std::string_view> value = find(key);
  if (value && *value != "true" && *value != "false")
    return error(key, "expected true or false");
  return value == "true";
}

Result<Vocabulary> readVocabulary(const ModelSource &source) {
  std::optional<std::string_view> value = source.find("vocab");
  if (!value)
    return source.error("vocab", "missing");
  Vocabulary vocabulary;
  vocabulary.reserve(value->size() / 20, value->size() / 2);
  JsonCursor reader = source.cursor(*value);
  bool more;
  if (!reader.open('{') || !reader.next('}', more))
    return reader.error("model.vocab");
  while (more) {
    std::string_view token;
    int32_t id;
    if (!reader.key(token))
      return reader.error("model.vocab");
    if (!reader.id(id))
      return reader.error(fmt::format("model.vocab[{}]", quote(token)));
    if (!vocabulary.add(token, id))
      return source.error("vocab", fmt::format("token {} occurs twice", quote(token)));
    if (!reader.next('}', more))
      return reader.error("model.vocab");
  }
  if (std::optional<int32_t> twice = vocabulary.finish())
    return source.error("vocab", fmt::format("id {} belongs to two tokens", *twice));
  return vocabulary;
}

Result<std::unique_ptr<Model>> makeModel(const ModelSource &source) {
  std::optional<std::string> type = YOKE_TRY(source.string("type"));
  if (!type) {
    std::optional<std::string_view> vocab = source.find("vocab");
    type = source.find("merges")                      ? "BPE"
           : vocab && vocab->starts_with('[')         ? "Unigram"
           : source.find("continuing_subword_prefix") ? "WordPiece"
                                                      : "WordLevel";
  }
  if (*type == "BPE")
    return makeBytePairModel(source);
  if (*type == "Unigram")
    return makeUnigramModel(source);
  if (*type == "WordPiece")
    return makeWordPieceModel(source);
  if (*type == "WordLevel")
    return makeWordLevelModel(source);
  return source.error("type", fmt::format("unsupported model {}", quote(*type)));
}

} // namespace yoke
