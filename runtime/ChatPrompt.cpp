#include "runtime/ChatPrompt.h"

#include <algorithm>

namespace yoke {
namespace {

std::vector<int32_t> specialsOf(const Tokenizer &tokenizer, const std::vector<int32_t> &ids) {
  std::vector<int32_t> specials;
  std::ranges::copy_if(ids, std::back_inserter(specials), [&](int32_t id) { return tokenizer.isSpecial(id); });
  return specials;
}

/// Encodes text that continues a text: after a newline, whose tokens are taken away again, so that nothing is put in
/// front of it as at the start of a text.
Result<std::vector<int32_t>> encodeContinuation(const Tokenizer &tokenizer, const std::string &text,
                                                bool parseSpecial) {
  auto newline = tokenizer.encode("\n", false, false);
  if (!newline || newline->empty())
    return tokenizer.encode(text, false, parseSpecial);
  std::vector<int32_t> ids = YOKE_TRY(tokenizer.encode("\n" + text, false, parseSpecial));
  if (ids.size() < newline->size() || !std::equal(newline->begin(), newline->end(), ids.begin()))
    return tokenizer.encode(text, false, parseSpecial);
  ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(newline->size()));
  return ids;
}

} // namespace

Result<std::vector<int32_t>> encodeSegments(const Tokenizer &tokenizer,
                                            const std::vector<ChatTemplate::Segment> &segments) {
  std::string whole;
  std::vector<int32_t> separate;
  for (const ChatTemplate::Segment &segment : segments) {
    std::vector<int32_t> ids = YOKE_TRY(whole.empty() ? tokenizer.encode(segment.text, false, !segment.isInput)
                                                      : encodeContinuation(tokenizer, segment.text, !segment.isInput));
    separate.insert(separate.end(), ids.begin(), ids.end());
    whole += segment.text;
  }
  // A special token that input makes, alone or with its surroundings, shows as a difference.
  std::vector<int32_t> together = YOKE_TRY(tokenizer.encode(whole, false, true));
  bool same = specialsOf(tokenizer, together) == specialsOf(tokenizer, separate);
  return same ? together : separate;
}

Result<ChatPrompt> ChatPrompt::load(const Model &model, bool withTools) {
  if (!model.tokenizer)
    return failed("{}: has no tokenizer, which chat needs", model.path);
  auto choice = selectTemplate(model.sectionText(section_names::tokenizerConfig),
                               model.sectionText(section_names::chatTemplate), withTools);
  if (!choice)
    return malformed("{}: {}", model.path, choice.error().message);
  if (choice->source.empty())
    return failed("{}: has no chat template; give the formatted text as a plain prompt", model.path);
  ChatTemplate chatTemplate = YOKE_TRY(ChatTemplate::parse(choice->source, model.path + ": chat_template"));
  return ChatPrompt(model, std::move(chatTemplate), std::move(choice->specialTokens));
}

Result<std::vector<ChatTemplate::Segment>> ChatPrompt::render(OrderedJson variables) const {
  for (const auto &[name, token] : specialTokens)
    if (!variables.contains(name))
      variables[name] = token;
  if (!variables.contains("add_generation_prompt"))
    variables["add_generation_prompt"] = true;
  return chatTemplate.render(variables);
}

Result<std::vector<int32_t>> ChatPrompt::tokenize(OrderedJson variables) const {
  return encodeSegments(*model->tokenizer, YOKE_TRY(render(std::move(variables))));
}

} // namespace yoke
