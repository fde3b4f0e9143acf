#include "ChatTemplate/Filters.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <charconv>
#include <cmath>

namespace yoke::chat {
namespace {

/// The digits of a number as Python's int and float read them: no outer spaces, underscores only between digits.
std::optional<std::string> numeral(const MarkedText &text) {
  MarkedText stripped = strip(text, true, true, isSpace);
  std::string_view bytes = stripped.str();
  std::string digits;
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto isDigit = [&](size_t place) {
      return place < bytes.size() && std::isalnum(static_cast<unsigned char>(bytes[place]));
    };
    if (bytes[i] != '_')
      digits += bytes[i];
    else if (i == 0 || !isDigit(i - 1) || !isDigit(i + 1))
      return std::nullopt;
  }
  return digits;
}

std::optional<double> parseFloat(const MarkedText &text) {
  std::optional<std::string> digits = numeral(text);
  if (!digits || digits->empty())
    return std::nullopt;
  std::string_view rest = *digits;
  if (rest.front() == '+' && rest.size() > 1 && rest[1] != '-')
    rest.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (end != rest.data() + rest.size() || rest.find('(') != rest.npos)
    return std::nullopt;
  if (error == std::errc::result_out_of_range)
    return rest.find("e-") != rest.npos || rest.find("E-") != rest.npos ? 0.0
           : rest.front() == '-'                                        ? -HUGE_VAL
                                                                        : HUGE_VAL;
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

/// Nullopt: not an integer of this base. Error: more than 64 bits.
Result<std::optional<int64_t>> parseInteger(Context &context, const MarkedText &text, int64_t base) {
  std::optional<std::string> digits = numeral(text);
  if (!digits || digits->empty())
    return std::nullopt;
  std::string_view rest = *digits;
  std::string_view sign;
  if (rest.front() == '+' || rest.front() == '-') {
    sign = rest.substr(0, 1);
    rest.remove_prefix(1);
  }
  auto takePrefix = [&](char letter, int64_t ofBase) {
    if (rest.size() < 2 || rest[0] != '0' || (rest[1] | 0x20) != letter || (base != 0 && base != ofBase))
      return;
    rest.remove_prefix(2);
    base = ofBase;
  };
  takePrefix('x', 16);
  takePrefix('o', 8);
  takePrefix('b', 2);
  if (base == 0)
    base = 10;
  if (base < 2 || base > 36)
    return context.error("int() base must be >= 2 and <= 36, or 0");
  if (rest.empty() || rest.front() == '-')
    return std::nullopt;
  std::string signedDigits = (sign == "-" ? "-" : "") + std::string(rest);
  int64_t value = 0;
  auto [end, error] =
      std::from_chars(signedDigits.data(), signedDigits.data() + signedDigits.size(), value, static_cast<int>(base));
  if (end != signedDigits.data() + signedDigits.size())
    return std::nullopt;
  if (error == std::errc::result_out_of_range)
    return context.error("integer overflow");
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

Result<std::optional<int64_t>> truncated(Context &context, double value) {
  if (std::isnan(value))
    return std::nullopt;
  if (!(std::abs(value) < 0x1p63))
    return context.error("integer overflow");
  return static_cast<int64_t>(value);
}

Result<std::optional<int64_t>> toInteger(Context &context, const Value &value, int64_t base) {
  YOKE_TRY(requireDefined(context, value));
  if (auto integer = value.asInteger())
    return integer;
  if (value.isFloat())
    return truncated(context, value.floating());
  if (!value.isText())
    return std::nullopt;
  YOKE_TRY(context.chargeText(value.str().size()));
  if (std::optional<int64_t> integer = YOKE_TRY(parseInteger(context, value.marked(), base)))
    return integer;
  std::optional<double> number = parseFloat(value.marked());
  return number ? truncated(context, *number) : Result<std::optional<int64_t>>(std::nullopt);
}

Result<Value> intFilter(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "int", arguments, {"default", "base"}));
  std::optional<int64_t> integer =
      YOKE_TRY(toInteger(context, self, YOKE_TRY(integerOr(context, "int", values[1], 10))));
  if (integer)
    return Value(*integer);
  return values[0] ? *values[0] : Value(int64_t(0));
}

Result<Value> floatFilter(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "float", arguments, {"default"}));
  YOKE_TRY(requireDefined(context, self));
  if (auto number = self.asDouble())
    return Value(*number);
  if (self.isText()) {
    YOKE_TRY(context.chargeText(self.str().size()));
    if (auto number = parseFloat(self.marked()))
      return Value(*number);
  }
  return values[0] ? *values[0] : Value(0.0);
}

Result<Value> absolute(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "abs", arguments, {}));
  YOKE_TRY(requireDefined(context, self));
  if (!self.isNumber())
    return context.error("bad operand type for abs(): '{}'", self.typeName());
  return negate(context, self, *self.asDouble() < 0 || (self.isFloat() && std::signbit(self.floating())));
}

/// The double nearest to `value` with this many decimals, halves of the exact binary value to even as Python does.
double roundTo(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 300)
    return value;
  if (precision < -308)
    return std::copysign(0.0, value);
  if (precision < 0) {
    double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(value / scale) * scale;
  }
  std::string digits = fmt::format("{:.{}f}", value, precision);
  double rounded = value;
  std::from_chars(digits.data(), digits.data() + digits.size(), rounded);
  return rounded;
}

Result<Value> roundFilter(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "round", arguments, {"precision", "method"}));
  YOKE_TRY(requireDefined(context, self));
  const int64_t precision = YOKE_TRY(integerOr(context, "round", values[0], 0));
  const std::string method = values[1] ? YOKE_TRY(textArgument(context, "round", *values[1]))->str() : "common";
  if (!self.isNumber())
    return context.error("type {} doesn't define __round__ method", self.typeName());
  if (method == "common" && self.asInteger() && precision >= 0)
    return Value(*self.asInteger());
  if (method == "common" && self.asInteger()) {
    Value rounded(roundTo(*self.asDouble(), precision));
    return intFilter(context, rounded, arguments = {});
  }
  if (method == "common")
    return Value(roundTo(self.floating(), precision));
  if (method != "ceil" && method != "floor")
    return context.error("method must be common, ceil or floor");
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = *self.asDouble() * scale;
  if (!std::isfinite(scaled))
    return context.error("cannot convert float infinity or NaN to integer");
  return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr NamedBuiltin filters[] = {
    {"int", intFilter}, {"float", floatFilter}, {"abs", absolute}, {"round", roundFilter}};

} // namespace

Builtin findNumberFilter(std::string_view name) { return findIn(filters, name); }

} // namespace yoke::chat
