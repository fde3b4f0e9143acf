#include "ChatTemplate/ChatTemplate.h"

#include "ChatTemplate/Interpreter.h"
#include "ChatTemplate/Parser.h"
#include "ChatTemplate/Variables.h"
#include "Support/Text.h"

namespace yoke {

using namespace chat;

struct ChatTemplate::Impl {
  std::string name;
  Limits limits;
  Block block;

  Result<std::vector<Segment>> render(const Dict &variables) const {
    Context context(limits, name);
    Interpreter interpreter(context, variables);
    const MarkedText text = YOKE_TRY(interpreter.run(block));
    std::vector<Segment> segments;
    size_t begin = 0;
    for (const MarkedText::Run &run : text.runs()) {
      segments.push_back({text.str().substr(begin, run.end - begin), run.isInput});
      begin = run.end;
    }
    return segments;
  }
};

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::string_view name, Limits limits) {
  if (source.size() > limits.sourceBytes)
    return malformed("{}: {} bytes, the limit is {}", name, source.size(), limits.sourceBytes);
  if (!isValidUtf8(source))
    return malformed("{}: not valid UTF-8", name);
  auto impl = std::make_shared<Impl>();
  impl->name = name;
  impl->limits = limits;
  impl->block = YOKE_TRY(Parser(YOKE_TRY(tokenize(source, name)), name, limits.recursion).parseTemplate());
  return ChatTemplate(std::move(impl));
}

Result<std::vector<ChatTemplate::Segment>> ChatTemplate::render(const OrderedJson &variables) const {
  return impl->render(YOKE_TRY(readVariables(variables, impl->name)));
}

Result<std::vector<ChatTemplate::Segment>> ChatTemplate::render(const Json &variables) const {
  return impl->render(YOKE_TRY(readVariables(variables, impl->name)));
}

} // namespace yoke
