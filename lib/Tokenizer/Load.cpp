#include "Tokenizer/Parts.h"

#include "Support/Text.h"
#include "Tokenizer/JsonCursor.h"

#include <algorithm>

namespace yoke {
namespace {

constexpr size_t MaxFileBytes = size_t(1) << 30;

using Members = std::vector<std::pair<std::string, std::string_view>>;

/// Reads an object into the texts of its members. `path` names the object in messages. The member `model`, which is
/// most of a file, goes to `model` if that is not null.
Status readMembers(JsonCursor &reader, std::string_view path, Members &members, Members *model) {
  bool more;
  if (!reader.open('{') || !reader.next('}', more))
    return reader.error(path);
  while (more) {
    std::string_view key, value;
    if (!reader.key(key))
      return reader.error(path);
    members.emplace_back(key, std::string_view());
    if (model && key == "model" && reader.peek() == '{')
      YOKE_TRY(readMembers(reader, "model", *model, nullptr));
    else if (!reader.skip(value))
      return reader.error(fmt::format("{}{}{}", path, path.empty() ? "" : ".", printable(members.back().first)));
    for (size_t i = 0; i + 1 < members.size(); ++i)
      if (members[i].first == members.back().first && !reader.fail("a key occurs twice"))
        return reader.error(path);
    if (members.size() > 256 && !reader.fail("more than 256 members"))
      return reader.error(path);
    members.back().second = value;
    if (!reader.next('}', more))
      return reader.error(path);
  }
  return {};
}

std::string_view memberOr(const Members &members, std::string_view key, std::string_view otherwise) {
  for (const auto &[name, value] : members)
    if (name == key)
      return value;
  return otherwise;
}

/// The member as a document; null when it is missing.
Result<Json> readMember(const Members &members, std::string_view key, const std::string &file) {
  return parseJson(memberOr(members, key, "null"), file + ": " + std::string(key));
}

/// Makes a part of the tokenizer from the member `key`; null when there is none.
template <class Part, class Make>
Result<std::unique_ptr<Part>> readPart(const Members &members, const char *key, const std::string &file, Make make) {
  Json document = YOKE_TRY(readMember(members, key, file));
  if (document.is_null())
    return std::unique_ptr<Part>();
  return make(YOKE_TRY(JsonObject::from(document, file, key)));
}

Status checkGeneral(const Members &members, const std::string &file) {
  Json version = YOKE_TRY(readMember(members, "version", file));
  if (!version.is_null() && version != "1.0")
    return malformed("{}: version: expected \"1.0\", found {}", file, describeJson(version));
  for (const char *key : {"truncation", "padding"}) {
    Json value = YOKE_TRY(readMember(members, key, file));
    if (!value.is_null() && !value.is_object())
      return malformed("{}: {}: expected an object or null, found {}", file, key, describeJson(value));
  }
  return {};
}

} // namespace

Result<Tokenizer> Tokenizer::load(std::string_view json, std::string_view name) {
  auto parts = std::make_unique<Parts>();
  std::string file = parts->name = name;
  if (json.size() > MaxFileBytes)
    return malformed("{}: {} bytes, the limit is {}", file, json.size(), MaxFileBytes);
  if (!isValidText(json))
    return malformed("{}: not valid UTF-8", file);
  JsonCursor reader(json, file);
  Members members;
  ModelSource source{file, json, {}};
  YOKE_TRY(readMembers(reader, "", members, &source.members));
  if (!reader.atEnd() && !reader.fail("text after the end"))
    return reader.error("");
  YOKE_TRY(checkGeneral(members, file));

  if (source.members.empty())
    return malformed("{}: model: expected an object with members", file);
  parts->model = YOKE_TRY(makeModel(source));

  parts->normalizer = YOKE_TRY(readPart<Normalizer>(members, "normalizer", file, makeNormalizer));
  parts->preTokenizer = YOKE_TRY(readPart<PreTokenizer>(members, "pre_tokenizer", file, makePreTokenizer));
  parts->postProcessor = YOKE_TRY(readPart<PostProcessor>(members, "post_processor", file, makePostProcessor));
  parts->decoder = YOKE_TRY(
      readPart<Decoder>(members, "decoder", file, [](const JsonObject &config) { return makeDecoder(&config); }));
  if (!parts->decoder)
    parts->decoder = YOKE_TRY(makeDecoder(nullptr));

  Json added = YOKE_TRY(readMember(members, "added_tokens", file));
  parts->added =
      YOKE_TRY(AddedTokens::read(added.is_null() ? nullptr : &added, file, *parts->model, parts->normalizer.get()));
  return Tokenizer(std::move(parts));
}

} // namespace yoke
