#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Operators.h"

#include <algorithm>

namespace yoke::chat {

Result<std::vector<const Value *>> bind(Context &context, std::string_view function, const Arguments &arguments,
                                        std::initializer_list<std::string_view> names, size_t required) {
  std::vector<const Value *> values(names.size(), nullptr);
  if (arguments.positional.size() > names.size())
    return context.error("{}() takes at most {} arguments, {} given", function, names.size(),
                         arguments.positional.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i)
    values[i] = &arguments.positional[i];
  for (const auto &[name, value] : arguments.named) {
    auto place = std::find(names.begin(), names.end(), name);
    if (place == names.end())
      return context.error("{}() got an unexpected keyword argument '{}'", function, name);
    const Value *&slot = values[static_cast<size_t>(place - names.begin())];
    if (slot)
      return context.error("{}() got multiple values for argument '{}'", function, name);
    slot = &value;
  }
  for (size_t i = 0; i < required; ++i)
    if (!values[i])
      return context.error("{}() missing the argument '{}'", function, *(names.begin() + i));
  return values;
}

Result<int64_t> integerOr(Context &context, std::string_view function, const Value *argument, int64_t absent) {
  if (!argument || argument->isNone())
    return absent;
  YOKE_TRY(requireDefined(context, *argument));
  auto integer = argument->asInteger();
  if (!integer)
    return context.error("{}() expects an integer, not '{}'", function, argument->typeName());
  return *integer;
}

Result<const MarkedText *> textArgument(Context &context, std::string_view function, const Value &argument) {
  YOKE_TRY(requireDefined(context, argument));
  if (!argument.isText())
    return context.error("{}() expects a string, not '{}'", function, argument.typeName());
  return &argument.marked();
}

} // namespace yoke::chat
