// Functions that every template can call.
#include "ChatTemplate/Access.h"
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "Support/Text.h"

#include <ctime>

namespace yoke::chat {
namespace {

constexpr size_t MaxShownMessage = 500;

Result<Value> raiseException(Context &context, const Value &, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "raise_exception", arguments, {"message"}, 1));
  return context.error("{}", printable(YOKE_TRY(toText(context, *values[0]))->str(), MaxShownMessage));
}

Result<Value> strftimeNow(Context &context, const Value &, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "strftime_now", arguments, {"format"}, 1));
  const std::string &format = YOKE_TRY(textArgument(context, "strftime_now", *values[0]))->str();
  if (format.empty())
    return Value(MarkedText());
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char buffer[4096];
  size_t length = std::strftime(buffer, sizeof buffer, format.c_str(), &local);
  std::string text(buffer, length);
  if (!isValidUtf8(text))
    return context.error("strftime_now: the result is not valid UTF-8");
  return Value(MarkedText(std::move(text), YOKE_TRY(textArgument(context, "strftime_now", *values[0]))->isInputAt(0)));
}

Result<Value> range(Context &context, const Value &, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "range", arguments, {"start", "stop", "step"}, 1));
  for (const Value *value : values)
    if (value && value->isNone())
      return context.error("range() expects an integer, not 'NoneType'");
  int64_t start = YOKE_TRY(integerOr(context, "range", values[0], 0)), stop = start;
  if (values[1])
    stop = YOKE_TRY(integerOr(context, "range", values[1], 0));
  else
    start = 0;
  const int64_t step = YOKE_TRY(integerOr(context, "range", values[2], 1));
  if (step == 0)
    return context.error("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) >= context.limits().rangeItems)
      return context.error("range of more than {} items", context.limits().rangeItems);
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i))
      break;
  }
  YOKE_TRY(context.charge(1 + static_cast<int64_t>(items.size())));
  auto sequence = std::make_shared<Sequence>();
  sequence->items = std::move(items);
  sequence->kind = SequenceKind::Range;
  sequence->rangeStart = start;
  sequence->rangeStop = stop;
  sequence->rangeStep = step;
  return Value(SequencePtr(std::move(sequence)));
}

/// The dict that `dict` and `namespace` make: of a dict or pairs, and of keyword arguments.
Result<Dict> collect(Context &context, std::string_view function, const Arguments &arguments) {
  if (arguments.positional.size() > 1)
    return context.error("{} expected at most 1 argument, got {}", function, arguments.positional.size());
  Dict dict;
  if (!arguments.positional.empty()) {
    const Value &source = arguments.positional.front();
    if (const Dict *other = source.dict()) {
      YOKE_TRY(context.charge(4 * static_cast<int64_t>(other->entries.size())));
      dict = *other;
    } else {
      SequencePtr sequence = YOKE_TRY(iterate(context, source));
      for (const Value &pair : sequence->items) {
        SequencePtr parts = YOKE_TRY(iterate(context, pair));
        if (parts->items.size() != 2)
          return context.error("dictionary update sequence element has length {}; 2 is required", parts->items.size());
        dict.set(YOKE_TRY(dictKey(context, parts->items[0])), parts->items[0], parts->items[1]);
      }
    }
  }
  for (const auto &[name, value] : arguments.named)
    dict.setMember(name, value);
  return dict;
}

Result<Value> makeDict(Context &context, const Value &, Arguments &arguments) {
  return context.makeDict(YOKE_TRY(collect(context, "dict", arguments)));
}

Result<Value> makeNamespace(Context &context, const Value &, Arguments &arguments) {
  Value space = YOKE_TRY(context.makeNamespace());
  space.space()->members = YOKE_TRY(collect(context, "namespace", arguments));
  for (const auto &[key, value] : space.space()->members.entries)
    if (key.isText() && key.str().starts_with('_'))
      return context.error("cannot store underscore-prefixed attributes on a namespace, but got '{}'",
                           printable(key.str()));
  return space;
}

constexpr NamedBuiltin globals[] = {
    {"raise_exception", raiseException}, {"strftime_now", strftimeNow}, {"range", range}, {"dict", makeDict},
    {"namespace", makeNamespace},
};

} // namespace

Builtin findGlobal(std::string_view name) { return findIn(globals, name); }

} // namespace yoke::chat
