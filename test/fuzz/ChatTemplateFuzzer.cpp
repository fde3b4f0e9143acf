// Any bytes as a template: parsed and, when that works, rendered with a fixed conversation and small budgets. The
// segments of the output must be valid UTF-8, not empty and alternate in kind.
#include "ChatTemplate/ChatTemplate.h"
#include "Support/Text.h"

#include <cstdlib>

using namespace yoke;

namespace {

const OrderedJson &variables() {
  static const OrderedJson json = OrderedJson::parse(R"({
    "messages": [{"role": "system", "content": "Be <|brief|>."}, {"role": "user", "content": " Ünï\n\"code\" 👍 "},
                 {"role": "assistant", "content": null, "tool_calls": [{"id": "123456789", "function":
                  {"name": "f", "arguments": {"x": 1.5, "y": [true, null, -3]}}}]},
                 {"role": "tool", "content": "{}"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object",
               "properties": {"x": {"type": "number"}}, "required": ["x"]}}}],
    "documents": [{"title": "T", "text": "a\nb"}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "n": 9223372036854775807, "s": "abc"})");
  return json;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ChatTemplateLimits limits;
  limits.steps = 20'000;
  limits.outputBytes = 100'000;
  limits.rangeItems = 1'000;
  auto chatTemplate = ChatTemplate::parse({reinterpret_cast<const char *>(data), size}, "fuzz", limits);
  if (!chatTemplate)
    return 0;
  auto segments = chatTemplate->render(variables());
  if (!segments)
    return 0;
  for (size_t i = 0; i < segments->size(); ++i) {
    const auto &segment = (*segments)[i];
    if (segment.text.empty() || !isValidUtf8(segment.text) || (i > 0 && segment.isInput == (*segments)[i - 1].isInput))
      abort();
  }
  return 0;
}
