#include "Simulator/SyntheticDecode.h"

#include "Support/Split.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace yoke::sim {
namespace {

constexpr std::string_view prefix = "synthetic:";
constexpr int64_t mostRows = 1024;

Result<double> number(std::string_view key, std::string_view text, double low, double high) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high))
    return usageError("--decode: {} must be a number in [{}, {}], found '{}'", key, low, high, text);
  return value;
}

Result<int64_t> wholeNumber(std::string_view key, std::string_view text) {
  double value = YOKE_TRY(number(key, text, 1, double(mostRows)));
  if (value != std::floor(value))
    return usageError("--decode: {} must be a whole number, found '{}'", key, text);
  return int64_t(value);
}

Result<std::vector<double>> rateList(std::string_view text) {
  std::vector<double> rates;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('/', begin), text.size());
    rates.push_back(YOKE_TRY(number("rates", text.substr(begin, end - begin), 0, 1)));
    begin = end + 1;
  }
  if (!std::is_sorted(rates.rbegin(), rates.rend()))
    return usageError("--decode: rates must not increase, found '{}'", text);
  return rates;
}

} // namespace

double SyntheticDecode::acceptedLength() const {
  double length = 1;
  for (double rate : rates)
    length += rate;
  return length;
}

Result<SyntheticDecode> parseSyntheticDecode(std::string_view text) {
  if (!text.starts_with(prefix))
    return usageError("--decode: expected synthetic:KEY=VALUE,..., found '{}'", text);
  SyntheticDecode decode;
  std::optional<double> length, rate;
  for (std::string_view part : splitAtCommas(text.substr(prefix.size()))) {
    size_t equals = std::min(part.find('='), part.size());
    std::string_view key = part.substr(0, equals), value = part.substr(std::min(equals + 1, part.size()));
    if (key == "tokens")
      decode.tokens = YOKE_TRY(wholeNumber(key, value));
    else if (key == "width")
      decode.width = YOKE_TRY(wholeNumber(key, value));
    else if (key == "length")
      length = YOKE_TRY(number(key, value, 1, double(mostRows)));
    else if (key == "rate")
      rate = YOKE_TRY(number(key, value, 0, 1));
    else if (key == "rates")
      decode.rates = YOKE_TRY(rateList(value));
    else
      return usageError("--decode: unknown key '{}'; known are tokens, width, length, rate, rates", key);
  }
  if (bool(length) + bool(rate) + !decode.rates.empty() != 1)
    return usageError("--decode: synthetic needs one of length, rate and rates");
  if (decode.tokens == 0)
    decode.tokens = int64_t(decode.rates.size());
  if (decode.tokens == 0)
    return usageError("--decode: synthetic needs tokens, the depth of a draft");
  if (!decode.rates.empty() && int64_t(decode.rates.size()) != decode.tokens)
    return usageError("--decode: {} rates for {} tokens", decode.rates.size(), decode.tokens);
  if (length && *length > double(decode.tokens + 1))
    return usageError("--decode: length must be in [1, tokens + 1], found {} of {} tokens", *length, decode.tokens);
  if (decode.rows() > mostRows)
    return usageError("--decode: {} rows a step are more than {}", decode.rows(), mostRows);
  for (int64_t depth = 0; depth < decode.tokens && (length || rate); ++depth)
    decode.rates.push_back(length ? std::clamp(*length - 1 - double(depth), 0.0, 1.0)
                                  : std::pow(*rate, double(depth + 1)));
  return decode;
}

} // namespace yoke::sim
