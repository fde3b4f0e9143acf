#include "ChatTemplate/ChatTemplate.h"

namespace yoke {
namespace {

constexpr std::string_view File = "tokenizer_config.json";
constexpr size_t MaxNamedTemplates = 64;

Result<std::string> templateFromList(const JsonObject &config, bool withTools) {
  std::map<std::string, std::string> named;
  for (const JsonObject &entry : YOKE_TRY(config.objects("chat_template", MaxNamedTemplates)))
    named[YOKE_TRY(entry.string("name"))] = YOKE_TRY(entry.string("template"));
  auto found = named.find("tool_use");
  if (!withTools || found == named.end())
    found = named.find("default");
  if (found == named.end())
    return config.error("chat_template", "the list has no template named \"default\"");
  return found->second;
}

Result<std::string> templateOf(const JsonObject &config, bool withTools) {
  const Json *entry = config.find("chat_template");
  if (entry && entry->is_array())
    return templateFromList(config, withTools);
  return config.string("chat_template", "");
}

/// A string, or an object with the string `content`; other members that end in _token are not tokens.
Result<std::map<std::string, std::string>> readTokens(const JsonObject &config) {
  std::map<std::string, std::string> tokens;
  for (const char *key : {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}) {
    const Json *entry = config.find(key);
    if (!entry)
      continue;
    tokens[key] =
        entry->is_object() ? YOKE_TRY(YOKE_TRY(config.object(key)).string("content")) : YOKE_TRY(config.string(key));
  }
  return tokens;
}

} // namespace

Result<TemplateChoice> selectTemplate(std::string_view tokenizerConfig, std::string_view chatTemplateFile,
                                      bool withTools) {
  TemplateChoice choice;
  choice.source = chatTemplateFile;
  if (tokenizerConfig.empty())
    return choice;
  JsonLimits limits;
  limits.allowNonFinite = true;
  Json document = YOKE_TRY(parseJson(tokenizerConfig, File, limits));
  JsonObject config = YOKE_TRY(JsonObject::from(document, std::string(File)));
  if (choice.source.empty())
    choice.source = YOKE_TRY(templateOf(config, withTools));
  choice.specialTokens = YOKE_TRY(readTokens(config));
  return choice;
}

} // namespace yoke
