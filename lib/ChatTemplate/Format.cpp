#include "ChatTemplate/Format.h"

#include "ChatTemplate/Access.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <charconv>
#include <cmath>

namespace yoke::chat {
namespace {

constexpr int64_t MaxPrecision = 1000;

struct Spec {
  char32_t fill = ' ';
  char align = 0; ///< < > ^ = or 0: by type
  char sign = '-';
  bool alternate = false, grouped = false;
  int64_t width = 0;
  std::optional<int64_t> precision;
  char type = 0;
};

/// Reads a run of digits; a number that is too large becomes one that every limit refuses.
std::optional<int64_t> readNumber(std::string_view text, size_t &position) {
  size_t begin = position;
  while (position < text.size() && text[position] >= '0' && text[position] <= '9')
    ++position;
  if (begin == position)
    return std::nullopt;
  int64_t value = INT64_MAX / 2;
  std::from_chars(text.data() + begin, text.data() + position, value);
  return value;
}

std::string groupThousands(std::string digits) {
  size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (size_t place = end; place > 3; place -= 3)
    digits.insert(place - 3, ",");
  return digits;
}

std::string integerDigits(uint64_t magnitude, const Spec &spec) {
  switch (spec.type) {
  case 'x':
    return fmt::format("{}{:x}", spec.alternate ? "0x" : "", magnitude);
  case 'X':
    return fmt::format("{}{:X}", spec.alternate ? "0X" : "", magnitude);
  case 'o':
    return fmt::format("{}{:o}", spec.alternate ? "0o" : "", magnitude);
  case 'b':
    return fmt::format("{}{:b}", spec.alternate ? "0b" : "", magnitude);
  default:
    return fmt::format("{}", magnitude);
  }
}

std::string floatDigits(double magnitude, const Spec &spec) {
  const int precision = static_cast<int>(spec.precision.value_or(6));
  switch (spec.type) {
  case 'e':
    return fmt::format("{:.{}e}", magnitude, precision);
  case 'E':
    return fmt::format("{:.{}E}", magnitude, precision);
  case 'g':
    return fmt::format("{:.{}g}", magnitude, std::max(precision, 1));
  case 'G':
    return fmt::format("{:.{}G}", magnitude, std::max(precision, 1));
  case '%':
    return fmt::format("{:.{}f}%", magnitude * 100, precision);
  case 'f':
    return fmt::format("{:.{}f}", magnitude, precision);
  case 'F':
    return fmt::format("{:.{}F}", magnitude, precision);
  default:
    return spec.precision ? fmt::format("{:.{}g}", magnitude, std::max(precision, 1)) : floatText(magnitude);
  }
}

/// Puts `body` into the field; `sign` stands before what `=` pads.
Status appendPadded(Context &context, MarkedText &out, std::string_view sign, const MarkedText &body, const Spec &spec,
                    char defaultAlign) {
  const char align = spec.align ? spec.align : defaultAlign;
  const auto length = static_cast<int64_t>(sign.size() + characterCount(body.str()));
  const int64_t padding = std::max<int64_t>(spec.width - length, 0);
  YOKE_TRY(context.chargeText(static_cast<size_t>(padding) * 4));
  std::string fill;
  auto pad = [&](int64_t count) {
    fill.clear();
    for (int64_t i = 0; i < count; ++i)
      appendCodePoint(fill, spec.fill);
    return context.append(out, fill);
  };
  int64_t before = align == '>' ? padding : align == '^' ? padding / 2 : 0;
  YOKE_TRY(pad(before));
  YOKE_TRY(context.append(out, sign));
  if (align == '=')
    YOKE_TRY(pad(padding));
  YOKE_TRY(context.append(out, body));
  return align == '=' ? Status() : pad(padding - before);
}

Status appendNumber(Context &context, MarkedText &out, const Value &value, Spec spec) {
  constexpr std::string_view integerTypes = "dixXobu";
  constexpr std::string_view floatTypes = "eEfFgG%";
  auto integer = value.asInteger();
  bool asInteger = integer && (spec.type == 0 || integerTypes.find(spec.type) != std::string_view::npos);
  if (!asInteger && spec.type != 0 && floatTypes.find(spec.type) == std::string_view::npos)
    return context.error("cannot format '{}' with the code '{}'", value.typeName(), spec.type);
  bool negative = asInteger ? *integer < 0 : std::signbit(*value.asDouble());
  std::string digits = asInteger ? integerDigits(negative ? -static_cast<uint64_t>(*integer) : uint64_t(*integer), spec)
                                 : floatDigits(std::abs(*value.asDouble()), spec);
  if (spec.grouped)
    digits = groupThousands(std::move(digits));
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  return appendPadded(context, out, sign, MarkedText(std::move(digits), false), spec, '>');
}

Status appendText(Context &context, MarkedText &out, const MarkedText &text, const Spec &spec) {
  size_t end = spec.precision ? byteOfCharacter(text.str(), static_cast<size_t>(*spec.precision)) : text.size();
  YOKE_TRY(context.chargeText(text.size()));
  return appendPadded(context, out, "", text.slice(0, end), spec, '<');
}

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
    Spec spec = YOKE_TRY(readSpec());
    if (spec.type == '%')
      return context.append(out, "%");
    return convert(named ? *named : YOKE_TRY(next()), spec);
  }

  Result<Spec> readSpec() {
    Spec spec;
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

  Status convert(const Value &value, Spec spec) {
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

class BraceFormatter {
public:
  BraceFormatter(Context &context, const MarkedText &format, const Arguments &arguments)
      : context(context), format(format), text(format.str()), arguments(arguments) {}

  Result<Value> run() {
    while (true) {
      size_t brace = text.find_first_of("{}", position);
      YOKE_TRY(context.append(out, format, position, std::min(brace, text.size())));
      if (brace == text.npos)
        return Value(std::move(out));
      position = brace + 1;
      if (position < text.size() && text[position] == text[brace]) {
        YOKE_TRY(context.append(out, format, brace, brace + 1));
        ++position;
      } else if (text[brace] == '}') {
        return context.error("single '}}' encountered in format string");
      } else {
        YOKE_TRY(field());
      }
    }
  }

private:
  Status field() {
    size_t close = text.find('}', position);
    if (close == text.npos)
      return context.error("expected '}}' before end of string");
    std::string_view body = text.substr(position, close - position);
    position = close + 1;
    size_t colon = std::min(body.find(':'), body.size());
    std::string_view specText = body.substr(std::min(colon + 1, body.size()));
    if (specText.find('{') != specText.npos)
      return context.error("nested format specifications are not supported");
    std::string_view name = body.substr(0, colon);
    size_t bang = name.find('!');
    std::string_view conversion = bang == name.npos ? "" : name.substr(bang + 1);
    Value value = YOKE_TRY(lookUp(name.substr(0, bang)));
    if (conversion == "r")
      value = Value(YOKE_TRY(toRepr(context, value)));
    else if (conversion == "s")
      value = Value(YOKE_TRY(toText(context, value)));
    else if (!conversion.empty())
      return context.error("unknown conversion specifier '!{}'", conversion);
    return appendFormatted(value, specText);
  }

  Status appendFormatted(const Value &value, std::string_view specText) {
    if (specText.empty())
      return context.append(out, *YOKE_TRY(toText(context, value)));
    Spec spec = YOKE_TRY(readSpec(specText));
    if (value.isNumber() && spec.type != 's')
      return appendNumber(context, out, value, spec);
    if (!value.isText() || (spec.type && spec.type != 's'))
      return context.error("unsupported format specification for '{}'", value.typeName());
    return appendText(context, out, value.marked(), spec);
  }

  Result<Spec> readSpec(std::string_view specText) {
    Spec spec;
    size_t at = 0;
    auto isAlign = [&](size_t place) {
      return place < specText.size() && std::string_view("<>^=").find(specText[place]) != std::string_view::npos;
    };
    if (size_t first = utf8Length(specText[0]); isAlign(first)) {
      spec.fill = nextCodePoint(specText, at);
      spec.align = specText[at++];
    } else if (isAlign(0)) {
      spec.align = specText[at++];
    }
    auto take = [&](char c) { return at < specText.size() && specText[at] == c && (++at, true); };
    if (take('+'))
      spec.sign = '+';
    else if (take(' '))
      spec.sign = ' ';
    else
      take('-');
    spec.alternate = take('#');
    if (take('0') && !spec.align) {
      spec.fill = '0';
      spec.align = '=';
    }
    spec.width = readNumber(specText, at).value_or(0);
    spec.grouped = take(',');
    if (take('.'))
      spec.precision = readNumber(specText, at);
    if (at < specText.size())
      spec.type = specText[at++];
    if (at != specText.size() || spec.width > static_cast<int64_t>(context.limits().outputBytes) ||
        spec.precision.value_or(0) > MaxPrecision)
      return context.error("invalid format specification");
    return spec;
  }

  /// `name`, `0` or nothing (the next argument), then members: .name and [key].
  Result<Value> lookUp(std::string_view path) {
    size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = YOKE_TRY(argument(path.substr(0, end)));
    while (end < path.size()) {
      bool dotted = path[end] == '.';
      size_t begin = end + 1;
      size_t stop = std::min(dotted ? path.find_first_of(".[", begin) : path.find(']', begin), path.size());
      std::string_view member = path.substr(begin, stop - begin);
      size_t digits = 0;
      std::optional<int64_t> index = readNumber(member, digits);
      if (dotted)
        value = YOKE_TRY(getAttribute(context, value, member));
      else
        value =
            YOKE_TRY(getItem(context, value, index && digits == member.size() ? Value(*index) : Value::text(member)));
      end = dotted ? stop : std::min(stop + 1, path.size());
      if (end < path.size() && path[end] != '.' && path[end] != '[')
        return context.error("malformed field name in format string");
    }
    return value;
  }

  Result<Value> argument(std::string_view name) {
    size_t digits = 0;
    std::optional<int64_t> index =
        name.empty() ? std::optional(static_cast<int64_t>(nextIndex++)) : readNumber(name, digits);
    if (index && digits == name.size()) {
      if (*index >= static_cast<int64_t>(arguments.positional.size()))
        return context.error("replacement index {} out of range", *index);
      return arguments.positional[static_cast<size_t>(*index)];
    }
    for (const auto &[key, value] : arguments.named)
      if (key == name)
        return value;
    return context.error("format() has no argument '{}'", name);
  }

  Context &context;
  const MarkedText &format;
  std::string_view text;
  const Arguments &arguments;
  size_t position = 0, nextIndex = 0;
  MarkedText out;
};

} // namespace

Result<Value> formatPercent(Context &context, const MarkedText &format, const Value &operand) {
  return PercentFormatter(context, format, operand).run();
}

Result<Value> formatBraces(Context &context, const MarkedText &format, const Arguments &arguments) {
  return BraceFormatter(context, format, arguments).run();
}

} // namespace yoke::chat
