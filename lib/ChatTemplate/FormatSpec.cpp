#include "ChatTemplate/FormatSpec.h"

#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace yoke::chat {
namespace {

std::string groupThousands(std::string digits) {
  size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (size_t place = end; place > 3; place -= 3)
    digits.insert(place - 3, ",");
  return digits;
}

std::string integerDigits(uint64_t magnitude, const FormatSpec &spec) {
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

std::string floatDigits(double magnitude, const FormatSpec &spec) {
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
Status appendPadded(Context &context, MarkedText &out, std::string_view sign, const MarkedText &body,
                    const FormatSpec &spec, char defaultAlign) {
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

} // namespace

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

Status appendNumber(Context &context, MarkedText &out, const Value &value, FormatSpec spec) {
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

Status appendText(Context &context, MarkedText &out, const MarkedText &text, const FormatSpec &spec) {
  size_t end = spec.precision ? byteOfCharacter(text.str(), static_cast<size_t>(*spec.precision)) : text.size();
  YOKE_TRY(context.chargeText(text.size()));
  return appendPadded(context, out, "", text.slice(0, end), spec, '<');
}

} // namespace yoke::chat
