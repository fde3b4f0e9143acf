#include "ChatTemplate/Format.h"

#include "ChatTemplate/Access.h"
#include "ChatTemplate/FormatSpec.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>
#include <cmath>

namespace yoke::chat {
namespace {

class PercentFormatter {
public:
  PercentFormatter(Context &context, const MarkedText &format, const Value &operand)
      : context(context), format(format), text(format.str()), operand(operand) {
    const Sequence *sequence = operand.sequence();
    if (sequence && sequence->kind == SequenceKind::Tuple)
      arguments = &sequence->items;
  }

  Result<Value> run() {
    while (true) {
      size_t percent = text.find('%', position);
      YOKE_TRY(context.append(out, format, position, std::min(percent, text.size())));
      if (percent == text.npos)
        break;
      position = percent + 1;
      YOKE_TRY(conversion());
    }
    // As in Python, an operand that has items may stay unused.
    bool mayStay = operand.dict() || operand.sequence() || operand.isUndefined();
    if (!usedNames && used < (arguments ? arguments->size() : mayStay ? 0 : 1))
      return context.error("not all arguments converted during string formatting");
    return Value(std::move(out));
  }

private:
  Status conversion() {
    std::optional<Value> named;
    if (peek() == '(') {
      size_t close = text.find(')', position);
      if (close == text.npos || !operand.dict())
        return context.error("format requires a mapping");
      named = YOKE_TRY(getItem(context, operand, Value::text(text.substr(position + 1, close - position - 1))));
      YOKE_TRY(requireDefined(context, *named));
      usedNames = true;
      position = close + 1;
    }
    FormatSpec spec = YOKE_TRY(readSpec());
    if (spec.type == '%')
      return context.append(out, "%");
    return convert(named ? *named : YOKE_TRY(next()), spec);
  }

  Result<FormatSpec> readSpec() {
    FormatSpec spec;
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos && peek(); ++position) {
      if (peek() == '-')
        spec.align = '<';
      else if (peek() == '+')
        spec.sign = '+';
      else if (peek() == ' ' && spec.sign == '-')
        spec.sign = ' ';
      else if (peek() == '#')
        spec.alternate = true;
      else if (peek() == '0')
        spec.fill = '0';
    }
    spec.width = YOKE_TRY(readSize()).value_or(0);
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = -spec.width;
    }
    if (peek() == '.') {
      ++position;
      spec.precision = YOKE_TRY(readSize()).value_or(0);
    }
    if (spec.width > static_cast<int64_t>(context.limits().outputBytes) || spec.precision.value_or(0) > MaxPrecision ||
        spec.precision.value_or(0) < 0)
      return context.error("width or precision out of range");
    spec.type = peek();
    if (!spec.type)
      return context.error("incomplete format");
    ++position;
    return spec;
  }

  Result<std::optional<int64_t>> readSize() {
    if (peek() != '*')
      return readNumber(text, position);
    ++position;
    Value size = YOKE_TRY(next());
    auto integer = size.asInteger();
    if (!integer || *integer == INT64_MIN)
      return context.error("* wants int");
    return integer;
  }

  Status convert(const Value &value, FormatSpec spec) {
    YOKE_TRY(context.charge(1));
    if (spec.type == 's' || spec.type == 'r' || spec.type == 'c') {
      if (spec.type == 'c' && value.isText() && characterCount(value.str()) != 1)
        return context.error("%c requires one character");
      TextPtr shown = spec.type == 'r' ? std::make_shared<const MarkedText>(YOKE_TRY(toRepr(context, value)))
                                       : YOKE_TRY(toText(context, value));
      spec.fill = ' ';
      if (!spec.align)
        spec.align = '>';
      return appendText(context, out, *shown, spec);
    }
    YOKE_TRY(requireDefined(context, value));
    bool wantsInteger = std::string_view("diuxXo").find(spec.type) != std::string_view::npos;
    if ((!wantsInteger && std::string_view("eEfFgG").find(spec.type) == std::string_view::npos) || spec.type == 'b')
      return context.error("unsupported format character '{}'", spec.type);
    if (!value.isNumber())
      return context.error("%{} format: a number is required, not {}", spec.type, value.typeName());
    if (spec.fill == '0' && !spec.align)
      spec.align = '=';
    else
      spec.fill = ' ';
    if (!wantsInteger)
      return appendNumber(context, out, Value(*value.asDouble()), spec);
    double number = *value.asDouble();
    if (!value.asInteger() && !(std::abs(number) < 0x1p63))
      return context.error("number too large");
    spec.precision.reset();
    return appendNumber(context, out, value.asInteger() ? value : Value(static_cast<int64_t>(number)), spec);
  }

  Result<Value> next() {
    size_t count = arguments ? arguments->size() : 1;
    if (used >= count)
      return context.error("not enough arguments for format string");
    return arguments ? (*arguments)[used++] : (++used, operand);
  }

  char peek() const { return position < text.size() ? text[position] : '\0'; }

  Context &context;
  const MarkedText &format;
  std::string_view text;
  const Value &operand;
  const std::vector<Value> *arguments = nullptr;
  size_t used = 0, position = 0;
  bool usedNames = false;
  MarkedText out;
};

} // namespace

Result<Value> formatPercent(Context &context, const MarkedText &format, const Value &operand) {
  return PercentFormatter(context, format, operand).run();
}

} // namespace yoke::chat
