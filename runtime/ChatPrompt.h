// Conversations to tokens, by a model's chat template.
#pragma once

#include "ChatTemplate/ChatTemplate.h"
#include "runtime/Model.h"

namespace yoke {

/// The chat template of a model, parsed, with what it needs of the tokenizer's configuration. Refers to the model,
/// which must outlive it.
class ChatPrompt {
public:
  /// `withTools`: prefer the checkpoint's template for tools. Errors: no template or no tokenizer (Failed), Malformed.
  static Result<ChatPrompt> load(const Model &model, bool withTools = false);

  /// Renders `variables`, an object with `messages` and whatever else the template reads; special tokens such as
  /// bos_token are added, and add_generation_prompt is true unless given. Errors (Malformed) name the template's line.
  Result<std::vector<ChatTemplate::Segment>> render(OrderedJson variables) const;

  /// The tokens of the rendered text. Special tokens are recognised where the template wrote them, never in the
  /// messages. None are added: the template writes them all.
  Result<std::vector<int32_t>> tokenize(OrderedJson variables) const;

private:
  ChatPrompt(const Model &model, ChatTemplate chatTemplate, std::map<std::string, std::string> specialTokens)
      : model(&model), chatTemplate(std::move(chatTemplate)), specialTokens(std::move(specialTokens)) {}

  const Model *model;
  ChatTemplate chatTemplate;
  std::map<std::string, std::string> specialTokens;
};

/// The tokens of text in segments of which input has no special tokens. Where input does not hold the text of one, the
/// result is that of encoding the whole text at once.
Result<std::vector<int32_t>> encodeSegments(const Tokenizer &tokenizer,
                                            const std::vector<ChatTemplate::Segment> &segments);

} // namespace yoke
