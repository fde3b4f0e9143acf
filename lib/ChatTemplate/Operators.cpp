#include "ChatTemplate/Operators.h"

#include "ChatTemplate/Format.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>
#include <cmath>

namespace yoke::chat {
namespace {

constexpr std::string_view ArithmeticSigns[] = {"+", "-", "*", "/", "//", "%", "**"};

tl::unexpected<Error> unsupported(Context &context, std::string_view op, const Value &left, const Value &right) {
  return context.error("unsupported operand types for {}: '{}' and '{}'", op, left.typeName(), right.typeName());
}

tl::unexpected<Error> overflow(Context &context) { return context.error("integer overflow"); }

Result<Value> powerOfIntegers(Context &context, int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result))
      return overflow(context);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base))
      return overflow(context);
  }
  return Value(result);
}

Result<Value> onDoubles(Context &context, Arithmetic op, double left, double right) {
  bool divides = op == Arithmetic::Divide || op == Arithmetic::FloorDivide || op == Arithmetic::Modulo;
  if (right == 0 && divides)
    return context.error("division by zero");
  double remainder = 0;
  if (op == Arithmetic::FloorDivide || op == Arithmetic::Modulo) {
    remainder = std::fmod(left, right);
    if (remainder != 0 && (right < 0) != (remainder < 0))
      remainder += right;
    else if (remainder == 0)
      remainder = std::copysign(0.0, right);
  }
  switch (op) {
  case Arithmetic::Add:
    return Value(left + right);
  case Arithmetic::Subtract:
    return Value(left - right);
  case Arithmetic::Multiply:
    return Value(left * right);
  case Arithmetic::Divide:
    return Value(left / right);
  case Arithmetic::FloorDivide:
    return Value(std::round((left - remainder) / right));
  case Arithmetic::Modulo:
    return Value(remainder);
  case Arithmetic::Power:
    break;
  }
  if (left == 0 && right < 0)
    return context.error("division by zero");
  double power = std::pow(left, right);
  if (std::isnan(power) && !std::isnan(left) && !std::isnan(right))
    return context.error("complex numbers are not supported");
  if (std::isinf(power) && std::isfinite(left) && std::isfinite(right))
    return context.error("number too large");
  return Value(power);
}

Result<Value> onIntegers(Context &context, Arithmetic op, int64_t left, int64_t right) {
  int64_t result = 0;
  switch (op) {
  case Arithmetic::Add:
    if (__builtin_add_overflow(left, right, &result))
      return overflow(context);
    return Value(result);
  case Arithmetic::Subtract:
    if (__builtin_sub_overflow(left, right, &result))
      return overflow(context);
    return Value(result);
  case Arithmetic::Multiply:
    if (__builtin_mul_overflow(left, right, &result))
      return overflow(context);
    return Value(result);
  case Arithmetic::FloorDivide:
  case Arithmetic::Modulo: {
    if (right == 0)
      return context.error("division by zero");
    if (left == INT64_MIN && right == -1)
      return op == Arithmetic::Modulo ? Result<Value>(Value(int64_t(0))) : overflow(context);
    int64_t quotient = left / right, remainder = left % right;
    if (remainder != 0 && (remainder < 0) != (right < 0)) {
      --quotient;
      remainder += right;
    }
    return Value(op == Arithmetic::Modulo ? remainder : quotient);
  }
  case Arithmetic::Power:
    if (right >= 0)
      return powerOfIntegers(context, left, right);
    break;
  case Arithmetic::Divide:
    break;
  }
  return onDoubles(context, op, static_cast<double>(left), static_cast<double>(right));
}

Result<Value> repeat(Context &context, const Value &what, int64_t count) {
  count = std::max<int64_t>(count, 0);
  if (what.isText()) {
    const MarkedText &text = what.marked();
    if (text.empty())
      return what;
    size_t total = 0;
    if (__builtin_mul_overflow(text.size(), static_cast<size_t>(count), &total))
      total = SIZE_MAX;
    YOKE_TRY(context.chargeText(total));
    MarkedText out;
    YOKE_TRY(context.charge(static_cast<int64_t>(text.runs().size() - 1) * count));
    for (int64_t i = 0; i < count; ++i)
      out.append(text);
    return Value(std::move(out));
  }
  const std::vector<Value> &items = what.sequence()->items;
  int64_t total = 0;
  if (__builtin_mul_overflow(static_cast<int64_t>(items.size()), count, &total))
    total = INT64_MAX / 2;
  YOKE_TRY(context.charge(total));
  std::vector<Value> out;
  out.reserve(static_cast<size_t>(total));
  for (int64_t i = 0; i < count && !items.empty(); ++i)
    out.insert(out.end(), items.begin(), items.end());
  return context.makeSequence(std::move(out), what.sequence()->kind);
}

bool isListOrTuple(const Value &value) {
  const Sequence *s = value.sequence();
  return s && (s->kind == SequenceKind::List || s->kind == SequenceKind::Tuple);
}

Result<Value> add(Context &context, const Value &left, const Value &right) {
  if (left.isText() && right.isText()) {
    MarkedText out;
    YOKE_TRY(context.append(out, left.marked()));
    YOKE_TRY(context.append(out, right.marked()));
    return Value(std::move(out));
  }
  if (left.isText())
    return context.error("can only concatenate str (not \"{}\") to str", right.typeName());
  if (!isListOrTuple(left) || !isListOrTuple(right) || left.sequence()->kind != right.sequence()->kind)
    return unsupported(context, "+", left, right);
  std::vector<Value> items = left.sequence()->items;
  items.insert(items.end(), right.sequence()->items.begin(), right.sequence()->items.end());
  return context.makeSequence(std::move(items), left.sequence()->kind);
}

std::optional<int> orderOfNumbers(const Value &left, const Value &right) {
  auto sign = [](auto a, auto b) -> std::optional<int> { return a < b ? -1 : a > b ? 1 : 0; };
  auto leftInteger = left.asInteger(), rightInteger = right.asInteger();
  if (leftInteger && rightInteger)
    return sign(*leftInteger, *rightInteger);
  // 64 bits of mantissa hold both kinds exactly.
  static_assert(std::numeric_limits<long double>::digits >= 64);
  long double a = leftInteger ? static_cast<long double>(*leftInteger) : left.floating();
  long double b = rightInteger ? static_cast<long double>(*rightInteger) : right.floating();
  if (std::isnan(a) || std::isnan(b))
    return std::nullopt;
  return sign(a, b);
}

Result<bool> sameItems(Context &context, const Sequence &left, const Sequence &right) {
  if (left.kind != right.kind || left.items.size() != right.items.size())
    return false;
  for (size_t i = 0; i < left.items.size(); ++i)
    if (!YOKE_TRY(equals(context, left.items[i], right.items[i])))
      return false;
  return true;
}

Result<bool> sameMembers(Context &context, const Dict &left, const Dict &right) {
  if (left.entries.size() != right.entries.size())
    return false;
  for (const auto &[key, place] : left.index) {
    const Value *other = right.find(key);
    if (!other || !YOKE_TRY(equals(context, left.entries[place].second, *other)))
      return false;
  }
  return true;
}

} // namespace

Status requireDefined(Context &context, const Value &value) {
  if (value.isUndefined())
    return context.error("{}", value.undefinedReason());
  return {};
}

Result<Value> arithmetic(Context &context, Arithmetic op, const Value &left, const Value &right) {
  if (op == Arithmetic::Modulo && left.isText())
    return formatPercent(context, left.marked(), right);
  YOKE_TRY(requireDefined(context, left));
  YOKE_TRY(requireDefined(context, right));
  auto leftInteger = left.asInteger(), rightInteger = right.asInteger();
  if (leftInteger && rightInteger)
    return onIntegers(context, op, *leftInteger, *rightInteger);
  if (left.isNumber() && right.isNumber())
    return onDoubles(context, op, *left.asDouble(), *right.asDouble());
  if (op == Arithmetic::Multiply && rightInteger && (left.isText() || isListOrTuple(left)))
    return repeat(context, left, *rightInteger);
  if (op == Arithmetic::Multiply && leftInteger && (right.isText() || isListOrTuple(right)))
    return repeat(context, right, *leftInteger);
  if (op == Arithmetic::Add)
    return add(context, left, right);
  return unsupported(context, ArithmeticSigns[static_cast<size_t>(op)], left, right);
}

Result<Value> negate(Context &context, const Value &operand, bool minus) {
  YOKE_TRY(requireDefined(context, operand));
  if (auto integer = operand.asInteger())
    return minus ? onIntegers(context, Arithmetic::Subtract, 0, *integer) : Result<Value>(Value(*integer));
  if (!operand.isFloat())
    return context.error("bad operand type for unary {}: '{}'", minus ? '-' : '+', operand.typeName());
  return Value(minus ? -operand.floating() : operand.floating());
}

Result<bool> equals(Context &context, const Value &left, const Value &right) {
  YOKE_TRY(context.charge(1));
  if (left.isNumber() && right.isNumber())
    return orderOfNumbers(left, right) == 0;
  if (left.variant().index() != right.variant().index())
    return false;
  if (left.isText()) {
    YOKE_TRY(context.charge(static_cast<int64_t>(std::min(left.str().size(), right.str().size()) / 64)));
    return left.str() == right.str();
  }
  if (left.sequence())
    return left.sequence() == right.sequence() || YOKE_TRY(sameItems(context, *left.sequence(), *right.sequence()));
  if (left.dict())
    return left.dict() == right.dict() || YOKE_TRY(sameMembers(context, *left.dict(), *right.dict()));
  return left.space() == right.space() && left.callable() == right.callable() && left.loop() == right.loop();
}

Result<std::optional<int>> order(Context &context, const Value &left, const Value &right, std::string_view op) {
  YOKE_TRY(context.charge(1));
  YOKE_TRY(requireDefined(context, left));
  YOKE_TRY(requireDefined(context, right));
  if (left.isNumber() && right.isNumber())
    return orderOfNumbers(left, right);
  if (left.isText() && right.isText()) {
    YOKE_TRY(context.charge(static_cast<int64_t>(std::min(left.str().size(), right.str().size()) / 64)));
    return left.str().compare(right.str());
  }
  if (!isListOrTuple(left) || !isListOrTuple(right) || left.sequence()->kind != right.sequence()->kind)
    return context.error("'{}' not supported between instances of '{}' and '{}'", op, left.typeName(),
                         right.typeName());
  const std::vector<Value> &a = left.sequence()->items, &b = right.sequence()->items;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (!YOKE_TRY(equals(context, a[i], b[i])))
      return order(context, a[i], b[i], op);
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

Result<bool> contains(Context &context, const Value &container, const Value &item) {
  if (container.isText()) {
    YOKE_TRY(requireDefined(context, item));
    if (!item.isText())
      return context.error("'in <string>' requires string as left operand, not {}", item.typeName());
    YOKE_TRY(context.charge(static_cast<int64_t>(container.str().size() / 64)));
    return findText(container.str(), item.str(), 0) != std::string::npos;
  }
  if (const Dict *dict = container.dict())
    return dict->find(YOKE_TRY(dictKey(context, item))) != nullptr;
  if (const Sequence *sequence = container.sequence()) {
    for (const Value &member : sequence->items)
      if (YOKE_TRY(equals(context, member, item)))
        return true;
    return false;
  }
  if (container.isUndefined())
    return false;
  return context.error("argument of type '{}' is not iterable", container.typeName());
}

Result<bool> compare(Context &context, Comparison op, const Value &left, const Value &right) {
  switch (op) {
  case Comparison::Equal:
    return equals(context, left, right);
  case Comparison::NotEqual:
    return !YOKE_TRY(equals(context, left, right));
  case Comparison::In:
    return contains(context, right, left);
  case Comparison::NotIn:
    return !YOKE_TRY(contains(context, right, left));
  case Comparison::Less: {
    std::optional<int> sign = YOKE_TRY(order(context, left, right, "<"));
    return sign && *sign < 0;
  }
  case Comparison::LessEqual: {
    std::optional<int> sign = YOKE_TRY(order(context, left, right, "<="));
    return sign && *sign <= 0;
  }
  case Comparison::Greater: {
    std::optional<int> sign = YOKE_TRY(order(context, left, right, ">"));
    return sign && *sign > 0;
  }
  case Comparison::GreaterEqual:
    break;
  }
  std::optional<int> sign = YOKE_TRY(order(context, left, right, ">="));
  return sign && *sign >= 0;
}

Result<std::string> dictKey(Context &context, const Value &key) {
  YOKE_TRY(context.charge(1));
  if (key.isText()) {
    YOKE_TRY(context.charge(static_cast<int64_t>(key.str().size() / 64)));
    return textKey(key.str());
  }
  if (auto integer = key.asInteger())
    return fmt::format("i{}", *integer);
  if (key.isFloat()) {
    double value = key.floating();
    if (std::floor(value) == value && std::abs(value) < 0x1p63)
      return fmt::format("i{}", static_cast<int64_t>(value));
    return fmt::format("f{}", value);
  }
  if (key.isNone())
    return std::string("n");
  if (key.isUndefined())
    return std::string("u");
  const Sequence *tuple = key.sequence();
  if (!tuple || tuple->kind != SequenceKind::Tuple)
    return context.error("unhashable type: '{}'", key.typeName());
  std::string form = "t";
  for (const Value &item : tuple->items) {
    std::string part = YOKE_TRY(dictKey(context, item));
    YOKE_TRY(context.chargeText(form.size() + part.size()));
    form += fmt::format("{}:", part.size()) + part;
  }
  return form;
}

} // namespace yoke::chat
