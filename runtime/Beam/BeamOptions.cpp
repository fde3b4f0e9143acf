#include "runtime/Beam/BeamOptions.h"

#include "Support/Text.h"

#include <charconv>
#include <cmath>
#include <optional>

namespace yoke {
namespace {

template <class T> std::optional<T> number(std::string_view text) {
  T value;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

Status setInteger(std::string_view key, std::string_view text, int32_t &value) {
  auto given = number<int32_t>(text);
  if (!given || *given < 1 || *given > BeamOptions::widthLimit)
    return usageError("--decode beam: {} must be an integer from 1 to {}, found {}", key, BeamOptions::widthLimit,
                      quote(text));
  value = *given;
  return {};
}

Status setNumber(std::string_view key, std::string_view text, double lowest, double &value) {
  auto given = number<double>(text);
  if (!given || !std::isfinite(*given) || *given < lowest)
    return usageError("--decode beam: {} must be a number of at least {}, found {}", key, lowest, quote(text));
  value = *given;
  return {};
}

Status set(BeamOptions &options, std::string_view key, std::string_view text) {
  if (key == "width")
    return setInteger(key, text, options.width);
  if (key == "groups")
    return setInteger(key, text, options.groups);
  if (key == "return")
    return setInteger(key, text, options.returned);
  if (key == "diversity")
    return setNumber(key, text, 0, options.diversity);
  if (key == "length-penalty")
    return setNumber(key, text, -100, options.lengthPenalty);
  if (key == "early-stopping") {
    if (text != "true" && text != "false")
      return usageError("--decode beam: early-stopping must be true or false, found {}", quote(text));
    options.earlyStopping = text == "true";
    return {};
  }
  return usageError("--decode beam: unknown option {}; options: width, groups, diversity, length-penalty, "
                    "early-stopping, return",
                    quote(key));
}

} // namespace

Result<BeamOptions> BeamOptions::parse(std::string_view spec) {
  BeamOptions options;
  const size_t colon = spec.find(':');
  std::string_view rest = colon == spec.npos ? std::string_view() : spec.substr(colon + 1);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view setting = rest.substr(0, comma);
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
    const size_t equals = setting.find('=');
    YOKE_TRY(set(options, setting.substr(0, equals),
                 equals == setting.npos ? std::string_view() : setting.substr(equals + 1)));
  }
  if (options.width % options.groups != 0)
    return usageError("--decode beam: groups must divide width, found {} groups and a width of {}", options.groups,
                      options.width);
  if (options.returned > options.width)
    return usageError("--decode beam: return must be at most the width of {}, found {}", options.width,
                      options.returned);
  return options;
}

} // namespace yoke
