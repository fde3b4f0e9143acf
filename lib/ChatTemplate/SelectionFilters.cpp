// Filters that apply other filters and tests to every item: map, select, reject, selectattr, rejectattr.
#include "ChatTemplate/Access.h"
#include "ChatTemplate/Filters.h"
#include "ChatTemplate/Operators.h"
#include "Support/Text.h"

namespace yoke::chat {
namespace {

/// Takes the first positional argument away; null when there is none.
std::optional<Value> takeFirst(Arguments &arguments) {
  if (arguments.positional.empty())
    return std::nullopt;
  Value first = std::move(arguments.positional.front());
  arguments.positional.erase(arguments.positional.begin());
  return first;
}

Result<Value> mapAttribute(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "map", arguments, {"attribute", "default"}));
  std::vector<Value> mapped;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items)
    mapped.push_back(YOKE_TRY(getPath(context, item, *values[0], values[1])));
  return context.makeSequence(std::move(mapped), SequenceKind::Iterator);
}

Result<Value> map(Context &context, const Value &self, Arguments &arguments) {
  if (!self.truthy())
    return context.makeSequence({}, SequenceKind::Iterator);
  if (arguments.positional.empty())
    for (const auto &[name, value] : arguments.named)
      if (name == "attribute")
        return mapAttribute(context, self, arguments);
  std::optional<Value> name = takeFirst(arguments);
  if (!name)
    return context.error("map requires a filter argument");
  Builtin filter = findFilter(YOKE_TRY(textArgument(context, "map", *name))->str());
  if (!filter)
    return context.error("no filter named '{}'", printable(name->str()));
  std::vector<Value> mapped;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items) {
    YOKE_TRY(context.charge(1));
    Arguments copy = arguments;
    mapped.push_back(YOKE_TRY(filter(context, item, copy)));
  }
  return context.makeSequence(std::move(mapped), SequenceKind::Iterator);
}

template <bool keep, bool ofMember> Result<Value> select(Context &context, const Value &self, Arguments &arguments) {
  if (!self.truthy())
    return context.makeSequence({}, SequenceKind::Iterator);
  std::optional<Value> path;
  if (ofMember) {
    path = takeFirst(arguments);
    if (!path)
      return context.error("missing parameter for attribute name");
  }
  std::optional<Value> name = takeFirst(arguments);
  Builtin test = name ? findTest(YOKE_TRY(textArgument(context, "select", *name))->str()) : nullptr;
  if (name && !test)
    return context.error("no test named '{}'", printable(name->str()));
  std::vector<Value> selected;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items) {
    YOKE_TRY(context.charge(1));
    Value subject = path ? YOKE_TRY(getPath(context, item, *path)) : item;
    if (test) {
      Arguments copy = arguments;
      subject = YOKE_TRY(test(context, subject, copy));
    }
    if (subject.truthy() == keep)
      selected.push_back(item);
  }
  return context.makeSequence(std::move(selected), SequenceKind::Iterator);
}

constexpr NamedBuiltin filters[] = {
    {"map", map},
    {"select", select<true, false>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<false, true>},
};

} // namespace

Builtin findSelectionFilter(std::string_view name) { return findIn(filters, name); }

Builtin findFilter(std::string_view name) {
  for (Builtin (*find)(std::string_view) : {findTextFilter, findSequenceFilter, findSelectionFilter, findNumberFilter})
    if (Builtin filter = find(name))
      return filter;
  return nullptr;
}

} // namespace yoke::chat
