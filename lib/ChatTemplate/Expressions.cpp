#include "ChatTemplate/Access.h"
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Interpreter.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Restore.h"
#include "Support/Text.h"

namespace yoke::chat {

/// Nodes inside one another, for every call that may be: bounds the use of the stack.
constexpr int NodesPerCall = 8;

Status Interpreter::checkNesting() const {
  if (nesting > NodesPerCall * context.limits().recursion)
    return context.error("evaluation nested more than {} deep", NodesPerCall * context.limits().recursion);
  return {};
}

Result<Value> Interpreter::evaluate(const Expression &expression) {
  Restore<int> level(nesting, nesting + 1);
  YOKE_TRY(checkNesting());
  context.line = expression.line;
  YOKE_TRY(context.charge(1));
  return std::visit([&](const auto &node) { return evaluate(node); }, expression.node);
}

Result<Value> Interpreter::evaluateOrNone(const ExpressionPtr &expression) {
  return expression ? evaluate(*expression) : Value();
}

Result<Value> Interpreter::evaluate(const NameReference &reference) {
  for (const Scope *level = scope; level; level = level->parent)
    if (auto place = level->names.find(reference.name); place != level->names.end())
      return place->second;
  if (const Value *variable = variables.member(reference.name))
    return *variable;
  Builtin builtin = findGlobal(reference.name);
  if (!builtin)
    return Value::undefined(fmt::format("'{}' is undefined", printable(reference.name)));
  auto function = std::make_shared<Callable>();
  function->name = reference.name;
  function->builtin = builtin;
  return Value(std::shared_ptr<const Callable>(std::move(function)));
}

Result<Value> Interpreter::evaluate(const SequenceDisplay &display) {
  std::vector<Value> items;
  items.reserve(display.items.size());
  for (const ExpressionPtr &item : display.items)
    items.push_back(YOKE_TRY(evaluate(*item)));
  return context.makeSequence(std::move(items), display.kind);
}

Result<Value> Interpreter::evaluate(const DictDisplay &display) {
  Dict dict;
  for (const auto &[key, value] : display.entries) {
    Value name = YOKE_TRY(evaluate(*key));
    std::string place = YOKE_TRY(dictKey(context, name));
    dict.set(std::move(place), std::move(name), YOKE_TRY(evaluate(*value)));
  }
  return context.makeDict(std::move(dict));
}

Result<Value> Interpreter::evaluate(const ArithmeticChain &chain) {
  Value left = YOKE_TRY(evaluate(*chain.first));
  for (const auto &[op, operand] : chain.rest) {
    Value right = YOKE_TRY(evaluate(*operand));
    context.line = operand->line;
    left = YOKE_TRY(arithmetic(context, op, left, right));
  }
  return left;
}

Result<Value> Interpreter::evaluate(const ComparisonChain &chain) {
  Value left = YOKE_TRY(evaluate(*chain.first));
  for (const auto &[op, operand] : chain.rest) {
    Value right = YOKE_TRY(evaluate(*operand));
    context.line = operand->line;
    if (!YOKE_TRY(compare(context, op, left, right)))
      return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Interpreter::evaluate(const Concatenation &concatenation) {
  MarkedText out;
  for (const ExpressionPtr &part : concatenation.parts) {
    Value value = YOKE_TRY(evaluate(*part));
    YOKE_TRY(context.append(out, *YOKE_TRY(toText(context, value))));
  }
  return Value(std::move(out));
}

Result<Value> Interpreter::evaluate(const LogicChain &chain) {
  Value value;
  for (const ExpressionPtr &operand : chain.operands) {
    value = YOKE_TRY(evaluate(*operand));
    if (value.truthy() != chain.isAnd)
      break;
  }
  return value;
}

Result<Value> Interpreter::evaluate(const Not &negation) {
  return Value(!YOKE_TRY(evaluate(*negation.operand)).truthy());
}

Result<Value> Interpreter::evaluate(const Sign &sign) {
  return negate(context, YOKE_TRY(evaluate(*sign.operand)), sign.minus);
}

Result<Value> Interpreter::evaluate(const Conditional &conditional) {
  if (YOKE_TRY(evaluate(*conditional.condition)).truthy())
    return evaluate(*conditional.then);
  if (conditional.otherwise)
    return evaluate(*conditional.otherwise);
  return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
}

Result<Value> Interpreter::evaluate(const Postfix &postfix) {
  return applyAll(YOKE_TRY(evaluate(*postfix.base)), postfix.steps);
}

Result<Value> Interpreter::applyAll(Value value, const std::vector<Step> &steps) {
  for (const Step &step : steps) {
    context.line = step.line;
    YOKE_TRY(context.charge(1));
    value = YOKE_TRY(apply(value, step));
  }
  return value;
}

Result<Value> Interpreter::apply(const Value &value, const Step &step) {
  return std::visit([&](const auto &node) { return apply(value, node, step.line); }, step.node);
}

Result<Value> Interpreter::apply(const Value &value, const AttributeStep &step, int) {
  return getAttribute(context, value, step.name);
}

Result<Value> Interpreter::apply(const Value &value, const ItemStep &step, int line) {
  Value key = YOKE_TRY(evaluate(*step.key));
  context.line = line;
  return getItem(context, value, key);
}

Result<Value> Interpreter::apply(const Value &value, const SliceStep &step, int line) {
  Value start = YOKE_TRY(evaluateOrNone(step.start)), stop = YOKE_TRY(evaluateOrNone(step.stop));
  Value stride = YOKE_TRY(evaluateOrNone(step.step));
  context.line = line;
  return getSlice(context, value, start, stop, stride);
}

Result<Value> Interpreter::apply(const Value &value, const CallStep &step, int line) {
  Arguments arguments = YOKE_TRY(evaluateArguments(step.arguments));
  context.line = line;
  return call(value, std::move(arguments));
}

Result<Value> Interpreter::apply(const Value &value, const ApplyStep &step, int line) {
  if (!step.function)
    return context.error("no {} named '{}'", step.isTest ? "test" : "filter", printable(step.name));
  Arguments arguments = YOKE_TRY(evaluateArguments(step.arguments));
  context.line = line;
  Value result = YOKE_TRY(step.function(context, value, arguments));
  return step.negated ? Value(!result.truthy()) : result;
}

} // namespace yoke::chat
