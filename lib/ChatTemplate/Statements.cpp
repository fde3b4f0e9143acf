#include "ChatTemplate/Access.h"
#include "ChatTemplate/Interpreter.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Restore.h"
#include "Support/Text.h"

namespace yoke::chat {

Interpreter::~Interpreter() {
  // Macros and their scopes refer to each other by plain pointers, but values in scopes may own other values.
  for (const auto &pinned : pinnedScopes)
    pinned->names.clear();
}

Result<MarkedText> Interpreter::run(const Block &block) {
  MarkedText text;
  auto global = std::make_shared<Scope>(nullptr);
  Restore<Scope *> scopes(scope, global.get());
  Restore<MarkedText *> outputs(output, &text);
  YOKE_TRY(execute(block));
  return text;
}

Result<Interpreter::Flow> Interpreter::execute(const Block &block) {
  Restore<int> level(nesting, nesting + 1);
  YOKE_TRY(checkNesting());
  for (const Statement &statement : block) {
    context.line = statement.line;
    YOKE_TRY(context.charge(1));
    Flow flow = YOKE_TRY(std::visit([&](const auto &node) { return execute(node); }, statement.node));
    if (flow != Flow::Normal)
      return flow;
  }
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::executeInScope(const Block &block, std::shared_ptr<Scope> inner) {
  Restore<Scope *> scopes(scope, inner.get());
  return execute(block);
}

Result<Value> Interpreter::capture(const Block &block) {
  MarkedText text;
  Restore<MarkedText *> outputs(output, &text);
  YOKE_TRY(executeInScope(block, std::make_shared<Scope>(scope)));
  return Value(std::move(text));
}

Result<Interpreter::Flow> Interpreter::execute(const DataStatement &statement) {
  YOKE_TRY(context.append(*output, *statement.text));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const PrintStatement &statement) {
  Value value = YOKE_TRY(evaluate(*statement.value));
  YOKE_TRY(context.append(*output, *YOKE_TRY(toText(context, value))));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const IfStatement &statement) {
  for (const auto &[condition, body] : statement.branches)
    if (YOKE_TRY(evaluate(*condition)).truthy())
      return execute(body);
  return execute(statement.otherwise);
}

Result<bool> Interpreter::passesFilter(const ForStatement &statement, const Value &item, std::shared_ptr<Scope> inner) {
  Restore<Scope *> scopes(scope, inner.get());
  YOKE_TRY(assign(statement.target, item));
  return YOKE_TRY(evaluate(*statement.filter)).truthy();
}

Result<SequencePtr> Interpreter::filteredItems(const ForStatement &statement, SequencePtr items) {
  std::vector<Value> kept;
  for (const Value &item : items->items) {
    YOKE_TRY(context.charge(1));
    if (YOKE_TRY(passesFilter(statement, item, std::make_shared<Scope>(scope))))
      kept.push_back(item);
  }
  Value sequence = YOKE_TRY(context.makeSequence(std::move(kept)));
  return std::get<SequencePtr>(sequence.variant());
}

Result<Interpreter::Flow> Interpreter::execute(const ForStatement &statement) {
  Value iterated = YOKE_TRY(evaluate(*statement.items));
  SequencePtr items = YOKE_TRY(iterate(context, iterated));
  // The filter sees what the body changes, unless `loop` needs to know all items beforehand.
  const bool filterFirst = statement.filter && statement.usesLoop;
  if (filterFirst)
    items = YOKE_TRY(filteredItems(statement, std::move(items)));
  const bool filterAsWeGo = statement.filter && !filterFirst;

  std::shared_ptr<LoopState> loop;
  if (statement.usesLoop) {
    YOKE_TRY(context.charge(2));
    loop = std::make_shared<LoopState>();
    loop->items = items;
    loop->depth = items->depth;
  }
  // As in jinja2, an iteration that ends in `break` or `continue` does not keep `else` from running.
  bool completed = false;
  std::shared_ptr<Scope> inner;
  for (size_t i = 0; i < items->items.size(); ++i) {
    YOKE_TRY(context.charge(1));
    if (inner && !inner->pinned)
      inner->names.clear();
    else
      inner = std::make_shared<Scope>(scope);
    if (filterAsWeGo && !YOKE_TRY(passesFilter(statement, items->items[i], inner)))
      continue;
    Restore<Scope *> scopes(scope, inner.get());
    if (loop) {
      loop->index = i;
      inner->names["loop"] = Value(std::shared_ptr<const LoopState>(loop));
    }
    YOKE_TRY(assign(statement.target, items->items[i]));
    Flow flow = YOKE_TRY(execute(statement.body));
    if (flow == Flow::Break)
      break;
    completed = completed || flow == Flow::Normal;
  }
  return completed ? Flow::Normal : executeInScope(statement.otherwise, std::make_shared<Scope>(scope));
}

Status Interpreter::assign(const Target &target, const Value &value) {
  if (!target.member.empty()) {
    Value holder = YOKE_TRY(evaluate(NameReference{target.name}));
    if (!holder.space())
      return context.error("cannot assign attribute on non-namespace object");
    if (target.member.starts_with('_'))
      return context.error("cannot store underscore-prefixed attributes on a namespace, but got '{}'",
                           printable(target.member));
    holder.space()->members.setMember(target.member, value);
    return {};
  }
  if (!target.isTuple) {
    scope->names[target.name] = value;
    return {};
  }
  SequencePtr items = YOKE_TRY(iterate(context, value));
  if (items->items.size() != target.parts.size())
    return context.error("{} values to unpack (expected {}, got {})",
                         items->items.size() < target.parts.size() ? "not enough" : "too many", target.parts.size(),
                         items->items.size());
  for (size_t i = 0; i < target.parts.size(); ++i)
    YOKE_TRY(assign(target.parts[i], items->items[i]));
  return {};
}

Result<Interpreter::Flow> Interpreter::execute(const SetStatement &statement) {
  YOKE_TRY(assign(statement.target, YOKE_TRY(evaluate(*statement.value))));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const SetBlockStatement &statement) {
  Value text = YOKE_TRY(capture(statement.body));
  YOKE_TRY(assign(statement.target, YOKE_TRY(applyAll(std::move(text), statement.filters))));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const FilterStatement &statement) {
  Value text = YOKE_TRY(capture(statement.body));
  Value filtered = YOKE_TRY(applyAll(std::move(text), statement.filters));
  YOKE_TRY(context.append(*output, *YOKE_TRY(toText(context, filtered))));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const MacroStatement &statement) {
  scope->names[statement.macro->name] = YOKE_TRY(makeMacro(statement.macro));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const CallStatement &statement) {
  Value callee = YOKE_TRY(evaluate(*statement.callee));
  Arguments arguments = YOKE_TRY(evaluateArguments(statement.arguments));
  arguments.named.emplace_back("caller", YOKE_TRY(makeMacro(statement.caller)));
  Value text = YOKE_TRY(call(callee, std::move(arguments)));
  YOKE_TRY(context.append(*output, *YOKE_TRY(toText(context, text))));
  return Flow::Normal;
}

Result<Interpreter::Flow> Interpreter::execute(const WithStatement &statement) {
  std::vector<Value> values;
  for (const auto &[target, expression] : statement.variables)
    values.push_back(YOKE_TRY(evaluate(*expression)));
  auto inner = std::make_shared<Scope>(scope);
  Restore<Scope *> scopes(scope, inner.get());
  for (size_t i = 0; i < values.size(); ++i)
    YOKE_TRY(assign(statement.variables[i].first, values[i]));
  return execute(statement.body);
}

Result<Interpreter::Flow> Interpreter::execute(const ScopeStatement &statement) {
  return executeInScope(statement.body, std::make_shared<Scope>(scope));
}

} // namespace yoke::chat
