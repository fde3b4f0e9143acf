#include "ChatTemplate/Access.h"
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Interpreter.h"
#include "ChatTemplate/Restore.h"
#include "Support/Text.h"

#include <algorithm>

namespace yoke::chat {

Result<Arguments> Interpreter::evaluateArguments(const CallArguments &arguments) {
  Arguments values;
  values.positional.reserve(arguments.positional.size());
  for (const ExpressionPtr &argument : arguments.positional)
    values.positional.push_back(YOKE_TRY(evaluate(*argument)));
  for (const auto &[name, argument] : arguments.named)
    values.named.emplace_back(name, YOKE_TRY(evaluate(*argument)));
  if (arguments.spread) {
    SequencePtr items = YOKE_TRY(iterate(context, YOKE_TRY(evaluate(*arguments.spread))));
    YOKE_TRY(context.charge(static_cast<int64_t>(items->items.size())));
    values.positional.insert(values.positional.end(), items->items.begin(), items->items.end());
  }
  if (arguments.spreadNamed) {
    Value named = YOKE_TRY(evaluate(*arguments.spreadNamed));
    if (!named.dict())
      return context.error("argument after ** must be a mapping, not {}", named.typeName());
    YOKE_TRY(context.charge(2 * static_cast<int64_t>(named.dict()->entries.size())));
    for (const auto &[key, value] : named.dict()->entries) {
      if (!key.isText())
        return context.error("keywords must be strings");
      for (const auto &[name, argument] : arguments.named)
        if (name == key.str())
          return context.error("got multiple values for keyword argument '{}'", printable(name));
      values.named.emplace_back(key.str(), value);
    }
  }
  return values;
}

Result<Value> Interpreter::call(const Value &callee, Arguments arguments) {
  YOKE_TRY(requireDefined(context, callee));
  const Callable *callable = callee.callable();
  if (!callable)
    return context.error("'{}' object is not callable", callee.typeName());
  if (!callable->macro)
    return callable->builtin(context, callable->self, arguments);
  return callMacro(*callable->macro, std::move(arguments));
}

Result<Value> Interpreter::callMacro(const MacroObject &macro, Arguments arguments) {
  Restore<int> level(calls, calls + 1);
  if (calls > context.limits().recursion)
    return context.error("calls nested more than {} deep", context.limits().recursion);
  const int line = context.line;
  auto inner = std::make_shared<Scope>(macro.closure);
  MarkedText text;
  Restore<Scope *> scopes(scope, inner.get());
  Restore<MarkedText *> outputs(output, &text);
  YOKE_TRY(bindParameters(*macro.node, std::move(arguments), *inner));
  YOKE_TRY(execute(macro.node->body));
  context.line = line;
  return Value(std::move(text));
}

Status Interpreter::bindParameters(const MacroNode &macro, Arguments arguments, Scope &inner) {
  const size_t given = arguments.positional.size(), count = macro.parameters.size();
  if (given > count && !macro.usesVarargs)
    return context.error("macro '{}' takes not more than {} argument(s)", printable(macro.name), count);
  for (size_t i = 0; i < std::min(given, count); ++i)
    inner.names[macro.parameters[i].name] = arguments.positional[i];
  Dict rest;
  for (auto &[name, value] : arguments.named) {
    YOKE_TRY(context.charge(1));
    auto parameter = std::find_if(macro.parameters.begin(), macro.parameters.end(),
                                  [&](const Parameter &p) { return p.name == name; });
    if (parameter == macro.parameters.end() && name == "caller")
      inner.names["caller"] = std::move(value);
    else if (parameter == macro.parameters.end() && macro.usesKwargs)
      rest.setMember(name, std::move(value));
    else if (parameter == macro.parameters.end())
      return context.error("macro '{}' takes no keyword argument '{}'", printable(macro.name), printable(name));
    else if (!inner.names.try_emplace(parameter->name, std::move(value)).second)
      return context.error("macro '{}' got multiple values for argument '{}'", printable(macro.name), printable(name));
  }
  for (const Parameter &parameter : macro.parameters) {
    if (inner.names.contains(parameter.name))
      continue;
    inner.names[parameter.name] =
        parameter.defaultValue
            ? YOKE_TRY(evaluate(*parameter.defaultValue))
            : Value::undefined(fmt::format("parameter '{}' was not provided", printable(parameter.name)));
  }
  if (macro.usesKwargs)
    inner.names["kwargs"] = YOKE_TRY(context.makeDict(std::move(rest)));
  if (macro.usesVarargs) {
    std::vector<Value> extra;
    if (given > count)
      extra.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(count), arguments.positional.end());
    inner.names["varargs"] = YOKE_TRY(context.makeSequence(std::move(extra), SequenceKind::Tuple));
  }
  return {};
}

Result<Value> Interpreter::makeMacro(std::shared_ptr<const MacroNode> node) {
  YOKE_TRY(context.charge(8));
  pin(scope);
  auto callable = std::make_shared<Callable>();
  callable->name = node->name;
  callable->macro = &macros.emplace_back(MacroObject{std::move(node), scope});
  return Value(std::shared_ptr<const Callable>(std::move(callable)));
}

void Interpreter::pin(Scope *innermost) {
  for (Scope *level = innermost; level && !level->pinned; level = level->parent) {
    level->pinned = true;
    pinnedScopes.push_back(level->shared_from_this());
  }
}

} // namespace yoke::chat
