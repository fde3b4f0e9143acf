// Tests: what stands behind `is`.
#include "ChatTemplate/Access.h"
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/TextOperations.h"
#include "ChatTemplate/Unicode.h"

namespace yoke::chat {
namespace {

bool isDefined(const Value &value) { return !value.isUndefined(); }
bool isUndefined(const Value &value) { return value.isUndefined(); }
bool isNone(const Value &value) { return value.isNone(); }
bool isBoolean(const Value &value) { return value.isBool(); }
bool isTrue(const Value &value) { return value.isBool() && value.truthy(); }
bool isFalse(const Value &value) { return value.isBool() && !value.truthy(); }
bool isInteger(const Value &value) { return value.isInteger(); }
bool isFloat(const Value &value) { return value.isFloat(); }
bool isNumber(const Value &value) { return value.isNumber(); }
bool isString(const Value &value) { return value.isText(); }
bool isMapping(const Value &value) { return value.dict(); }
bool isCallable(const Value &value) { return value.callable() || value.isUndefined(); }
bool isEscaped(const Value &) { return false; }
bool isIterable(const Value &value) {
  return value.isText() || value.sequence() || value.dict() || value.isUndefined() || value.loop();
}
bool isSequence(const Value &value) {
  if (const Sequence *sequence = value.sequence())
    return sequence->kind == SequenceKind::List || sequence->kind == SequenceKind::Tuple ||
           sequence->kind == SequenceKind::Range;
  return value.isText() || value.dict() || value.isUndefined();
}

template <bool (*holds)(const Value &)>
Result<Value> simple(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "test", arguments, {}));
  return Value(holds(self));
}

template <Comparison op> Result<Value> comparison(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "test", arguments, {"other"}, 1));
  return Value(YOKE_TRY(compare(context, op, self, *values[0])));
}

Result<bool> remainderIs(Context &context, const Value &value, const Value &divisor, int64_t wanted) {
  Value remainder = YOKE_TRY(arithmetic(context, Arithmetic::Modulo, value, divisor));
  return equals(context, remainder, Value(wanted));
}

template <int64_t remainder> Result<Value> parity(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "test", arguments, {}));
  return Value(YOKE_TRY(remainderIs(context, self, Value(int64_t(2)), remainder)));
}

Result<Value> divisibleBy(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "divisibleby", arguments, {"num"}, 1));
  return Value(YOKE_TRY(remainderIs(context, self, *values[0], 0)));
}

template <bool (*wrongCase)(char32_t)>
Result<Value> caseTest(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "test", arguments, {}));
  TextPtr text = YOKE_TRY(toText(context, self));
  YOKE_TRY(context.chargeText(text->size()));
  return Value(allCased(text->str(), wrongCase));
}

/// Identity where Python has it by language rules; equal strings and numbers of one type count as the same.
Result<Value> sameAs(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "sameas", arguments, {"other"}, 1));
  const Value &other = *values[0];
  if (self.variant().index() != other.variant().index())
    return Value(false);
  if (self.sequence() || self.dict())
    return Value(self.sequence() == other.sequence() && self.dict() == other.dict());
  return Value(YOKE_TRY(equals(context, self, other)));
}

template <Builtin (*find)(std::string_view)>
Result<Value> isName(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "test", arguments, {}));
  return Value(self.isText() && find(self.str()) != nullptr);
}

constexpr NamedBuiltin tests[] = {
    {"defined", simple<isDefined>},
    {"undefined", simple<isUndefined>},
    {"none", simple<isNone>},
    {"boolean", simple<isBoolean>},
    {"true", simple<isTrue>},
    {"false", simple<isFalse>},
    {"integer", simple<isInteger>},
    {"float", simple<isFloat>},
    {"number", simple<isNumber>},
    {"string", simple<isString>},
    {"mapping", simple<isMapping>},
    {"iterable", simple<isIterable>},
    {"sequence", simple<isSequence>},
    {"callable", simple<isCallable>},
    {"escaped", simple<isEscaped>},
    {"odd", parity<1>},
    {"even", parity<0>},
    {"divisibleby", divisibleBy},
    {"lower", caseTest<isUpper>},
    {"upper", caseTest<isLower>},
    {"sameas", sameAs},
    {"in", comparison<Comparison::In>},
    {"==", comparison<Comparison::Equal>},
    {"eq", comparison<Comparison::Equal>},
    {"equalto", comparison<Comparison::Equal>},
    {"!=", comparison<Comparison::NotEqual>},
    {"ne", comparison<Comparison::NotEqual>},
    {">", comparison<Comparison::Greater>},
    {"gt", comparison<Comparison::Greater>},
    {"greaterthan", comparison<Comparison::Greater>},
    {">=", comparison<Comparison::GreaterEqual>},
    {"ge", comparison<Comparison::GreaterEqual>},
    {"<", comparison<Comparison::Less>},
    {"lt", comparison<Comparison::Less>},
    {"lessthan", comparison<Comparison::Less>},
    {"<=", comparison<Comparison::LessEqual>},
    {"le", comparison<Comparison::LessEqual>},
    {"filter", isName<findFilter>},
    {"test", isName<findTest>},
};

} // namespace

Builtin findTest(std::string_view name) { return findIn(tests, name); }

} // namespace yoke::chat
