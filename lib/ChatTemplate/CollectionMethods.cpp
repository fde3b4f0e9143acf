// Methods of dicts, lists, tuples and of the variable `loop`.
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Operators.h"

namespace yoke::chat {
namespace {

Result<Value> get(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "get", arguments, {"key", "default"}, 1));
  const Value *member = self.dict()->find(YOKE_TRY(dictKey(context, *values[0])));
  if (member)
    return *member;
  return values[1] ? *values[1] : Value();
}

template <SequenceKind kind> Result<Value> view(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "dict method", arguments, {}));
  YOKE_TRY(context.charge(static_cast<int64_t>(self.dict()->entries.size())));
  std::vector<Value> items;
  for (const auto &[key, value] : self.dict()->entries) {
    if (kind == SequenceKind::Items)
      items.push_back(YOKE_TRY(context.makeSequence({key, value}, SequenceKind::Tuple)));
    else
      items.push_back(kind == SequenceKind::Keys ? key : value);
  }
  return context.makeSequence(std::move(items), kind);
}

Result<Value> itself(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "copy", arguments, {}));
  return self;
}

Result<Value> indexOf(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "index", arguments, {"value"}, 1));
  const std::vector<Value> &items = self.sequence()->items;
  for (size_t i = 0; i < items.size(); ++i)
    if (YOKE_TRY(equals(context, items[i], *values[0])))
      return Value(static_cast<int64_t>(i));
  return context.error("the value is not in the {}", self.typeName());
}

Result<Value> countOf(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "count", arguments, {"value"}, 1));
  int64_t count = 0;
  for (const Value &item : self.sequence()->items)
    count += YOKE_TRY(equals(context, item, *values[0]));
  return Value(count);
}

Result<Value> cycle(Context &context, const Value &self, Arguments &arguments) {
  if (arguments.positional.empty())
    return context.error("no items for cycling given");
  return arguments.positional[self.loop()->index % arguments.positional.size()];
}

constexpr NamedBuiltin dictMethods[] = {
    {"get", get},
    {"items", view<SequenceKind::Items>},
    {"keys", view<SequenceKind::Keys>},
    {"values", view<SequenceKind::Values>},
    {"copy", itself},
};
constexpr NamedBuiltin sequenceMethods[] = {{"index", indexOf}, {"count", countOf}, {"copy", itself}};
constexpr NamedBuiltin loopMethods[] = {{"cycle", cycle}};

} // namespace

Builtin findDictMethod(std::string_view name) { return findIn(dictMethods, name); }
Builtin findSequenceMethod(std::string_view name) { return findIn(sequenceMethods, name); }
Builtin findLoopMethod(std::string_view name) { return findIn(loopMethods, name); }

} // namespace yoke::chat
