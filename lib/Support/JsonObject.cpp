#include "Support/Json.h"
#include "Support/Text.h"

#include <algorithm>

namespace yoke {
namespace {

std::optional<int64_t> integerIn(const Json &value, int64_t lo, int64_t hi) {
  if (value.is_number_unsigned()) {
    uint64_t number = value.get_ref<const uint64_t &>();
    if (number > static_cast<uint64_t>(INT64_MAX))
      return std::nullopt;
    auto small = static_cast<int64_t>(number);
    return small >= lo && small <= hi ? std::optional(small) : std::nullopt;
  }
  if (!value.is_number_integer())
    return std::nullopt;
  int64_t number = value.get_ref<const int64_t &>();
  return number >= lo && number <= hi ? std::optional(number) : std::nullopt;
}

std::optional<double> numberIn(const Json &value, double lo, double hi) {
  double number;
  if (value.is_number_unsigned())
    number = static_cast<double>(value.get_ref<const uint64_t &>());
  else if (value.is_number_integer())
    number = static_cast<double>(value.get_ref<const int64_t &>());
  else if (value.is_number_float())
    number = value.get_ref<const double &>();
  else
    return std::nullopt;
  return number >= lo && number <= hi ? std::optional(number) : std::nullopt;
}

std::string integerRule(int64_t lo, int64_t hi) { return fmt::format("an integer in [{}, {}]", lo, hi); }
std::string numberRule(double lo, double hi) { return fmt::format("a number in [{}, {}]", lo, hi); }

} // namespace

Result<JsonObject> JsonObject::from(const Json &value, std::string source, std::string path) {
  if (!value.is_object())
    return malformed("{}: {}expected an object, found {}", source, path.empty() ? "" : path + ": ",
                     describeJson(value));
  return JsonObject(value, std::move(source), std::move(path));
}

const Json *JsonObject::find(std::string_view key) const {
  auto member = value->find(key);
  return member == value->end() || member->is_null() ? nullptr : &*member;
}

std::string JsonObject::memberPath(std::string_view key) const {
  std::string name = printable(key);
  if (objectPath.empty())
    return name;
  return name.empty() ? objectPath : objectPath + "." + name;
}

tl::unexpected<Error> JsonObject::error(std::string_view key, std::string_view rule) const {
  std::string place = memberPath(key);
  return malformed("{}: {}{}", sourceName, place.empty() ? "" : place + ": ", rule);
}

tl::unexpected<Error> JsonObject::expected(std::string_view key, std::string_view what) const {
  auto member = value->find(key);
  return error(key, fmt::format("expected {}, found {}", what,
                                member == value->end() ? "nothing (the key is missing)" : describeJson(*member)));
}

tl::unexpected<Error> JsonObject::expectedElement(std::string_view key, size_t index, std::string_view what,
                                                  const Json &element) const {
  return malformed("{}: {}[{}]: expected {}, found {}", sourceName, memberPath(key), index, what,
                   describeJson(element));
}

Result<int64_t> JsonObject::integer(std::string_view key, int64_t lo, int64_t hi) const {
  const Json *member = find(key);
  std::optional<int64_t> number = member ? integerIn(*member, lo, hi) : std::nullopt;
  if (!number)
    return expected(key, integerRule(lo, hi));
  return *number;
}

Result<int64_t> JsonObject::integer(std::string_view key, int64_t lo, int64_t hi, int64_t defaultValue) const {
  return has(key) ? integer(key, lo, hi) : defaultValue;
}

Result<std::optional<int64_t>> JsonObject::optionalInteger(std::string_view key, int64_t lo, int64_t hi) const {
  if (!has(key))
    return std::nullopt;
  return YOKE_TRY(integer(key, lo, hi));
}

Result<double> JsonObject::number(std::string_view key, double lo, double hi) const {
  const Json *member = find(key);
  std::optional<double> number = member ? numberIn(*member, lo, hi) : std::nullopt;
  if (!number)
    return expected(key, numberRule(lo, hi));
  return *number;
}

Result<double> JsonObject::number(std::string_view key, double lo, double hi, double defaultValue) const {
  return has(key) ? number(key, lo, hi) : defaultValue;
}

Result<bool> JsonObject::boolean(std::string_view key) const {
  const Json *member = find(key);
  if (!member || !member->is_boolean())
    return expected(key, "true or false");
  return member->get_ref<const bool &>();
}

Result<bool> JsonObject::boolean(std::string_view key, bool defaultValue) const {
  return has(key) ? boolean(key) : defaultValue;
}

Result<std::string> JsonObject::string(std::string_view key) const {
  const Json *member = find(key);
  if (!member || !member->is_string())
    return expected(key, "a string");
  return member->get_ref<const std::string &>();
}

Result<std::string> JsonObject::string(std::string_view key, std::string_view defaultValue) const {
  return has(key) ? string(key) : std::string(defaultValue);
}

Result<size_t> JsonObject::choice(std::string_view key, std::initializer_list<std::string_view> choices) const {
  const Json *member = find(key);
  if (member && member->is_string()) {
    const auto *place = std::find(choices.begin(), choices.end(), member->get_ref<const std::string &>());
    if (place != choices.end())
      return place - choices.begin();
  }
  std::string rule;
  for (std::string_view choice : choices)
    rule += fmt::format("{} \"{}\"", rule.empty() ? "one of" : ",", choice);
  return expected(key, rule);
}

Result<JsonObject> JsonObject::object(std::string_view key) const {
  const Json *member = find(key);
  if (!member || !member->is_object())
    return expected(key, "an object");
  return JsonObject(*member, sourceName, memberPath(key));
}

Result<std::optional<JsonObject>> JsonObject::optionalObject(std::string_view key) const {
  if (!has(key))
    return std::nullopt;
  return YOKE_TRY(object(key));
}

Result<const Json *> JsonObject::array(std::string_view key, size_t maxSize) const {
  const Json *member = find(key);
  if (!member || !member->is_array() || member->size() > maxSize)
    return expected(key, maxSize == SIZE_MAX ? "an array" : fmt::format("an array of at most {} elements", maxSize));
  return member;
}

Result<const Json *> JsonObject::optionalArray(std::string_view key, size_t maxSize) const {
  if (!has(key))
    return nullptr;
  return array(key, maxSize);
}

Result<std::vector<JsonObject>> JsonObject::objects(std::string_view key, size_t maxSize) const {
  const Json *elements = YOKE_TRY(array(key, maxSize));
  std::vector<JsonObject> out;
  out.reserve(elements->size());
  for (const Json &element : *elements) {
    if (!element.is_object())
      return expectedElement(key, out.size(), "an object", element);
    out.push_back(JsonObject(element, sourceName, fmt::format("{}[{}]", memberPath(key), out.size())));
  }
  return out;
}

Result<std::vector<int64_t>> JsonObject::integers(std::string_view key, int64_t lo, int64_t hi, size_t maxSize) const {
  const Json *elements = YOKE_TRY(array(key, maxSize));
  std::vector<int64_t> out;
  out.reserve(elements->size());
  for (const Json &element : *elements) {
    std::optional<int64_t> number = integerIn(element, lo, hi);
    if (!number)
      return expectedElement(key, out.size(), integerRule(lo, hi), element);
    out.push_back(*number);
  }
  return out;
}

Result<std::vector<double>> JsonObject::numbers(std::string_view key, double lo, double hi, size_t maxSize) const {
  const Json *elements = YOKE_TRY(array(key, maxSize));
  std::vector<double> out;
  out.reserve(elements->size());
  for (const Json &element : *elements) {
    std::optional<double> number = numberIn(element, lo, hi);
    if (!number)
      return expectedElement(key, out.size(), numberRule(lo, hi), element);
    out.push_back(*number);
  }
  return out;
}

Result<std::vector<std::string>> JsonObject::strings(std::string_view key, size_t maxSize) const {
  const Json *elements = YOKE_TRY(array(key, maxSize));
  std::vector<std::string> out;
  out.reserve(elements->size());
  for (const Json &element : *elements) {
    if (!element.is_string())
      return expectedElement(key, out.size(), "a string", element);
    out.push_back(element.get_ref<const std::string &>());
  }
  return out;
}

std::vector<std::string> JsonObject::unknownKeys(std::initializer_list<std::string_view> known) const {
  std::vector<std::string> out;
  for (const auto &[key, member] : value->get_ref<const Json::object_t &>())
    if (std::find(known.begin(), known.end(), key) == known.end())
      out.push_back(key);
  return out;
}

Status JsonObject::expectOnly(std::initializer_list<std::string_view> known) const {
  std::vector<std::string> unknown = unknownKeys(known);
  if (!unknown.empty())
    return error(unknown.front(), "unknown key");
  return {};
}

} // namespace yoke
