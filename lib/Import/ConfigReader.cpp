//===- ConfigReader.cpp - checked fields of config.json -------------------===//
#include "Import/ConfigReader.h"

#include "Support/Text.h"

#include <algorithm>
#include <utility>

using namespace yoke;
using namespace yoke::import;

namespace {

struct NamedActivation {
  std::string_view name;
  llm::ActivationKind kind;
};

/// transformers.activations.ACT2CLS. The last three names are other ways to compute gelu_new.
constexpr NamedActivation activations[] = {
    {"gelu", llm::ActivationKind::gelu},
    {"gelu_python", llm::ActivationKind::gelu},
    {"gelu_new", llm::ActivationKind::gelu_tanh},
    {"gelu_pytorch_tanh", llm::ActivationKind::gelu_tanh},
    {"gelu_python_tanh", llm::ActivationKind::gelu_tanh},
    {"gelu_fast", llm::ActivationKind::gelu_tanh},
    {"gelu_accurate", llm::ActivationKind::gelu_tanh},
    {"quick_gelu", llm::ActivationKind::gelu_quick},
    {"relu", llm::ActivationKind::relu},
    {"relu2", llm::ActivationKind::relu_squared},
    {"sigmoid", llm::ActivationKind::sigmoid},
    {"silu", llm::ActivationKind::silu},
    {"swish", llm::ActivationKind::silu},
    {"tanh", llm::ActivationKind::tanh},
};

} // namespace

/// Marks the field as understood; whether config.json lacks it.
bool ConfigReader::missing(std::string_view key) {
  understood.emplace(key);
  return fields.json().find(key) == fields.json().end();
}

int64_t ConfigReader::integer(std::string_view key, int64_t lo, int64_t hi) {
  understood.emplace(key);
  return take(fields.integer(key, lo, hi), std::max<int64_t>(lo, 1));
}

int64_t ConfigReader::integer(std::string_view key, int64_t lo, int64_t hi, int64_t otherwise) {
  return missing(key) ? otherwise : take(fields.integer(key, lo, hi), otherwise);
}

double ConfigReader::number(std::string_view key, double lo, double hi, double otherwise) {
  return missing(key) ? otherwise : take(fields.number(key, lo, hi), otherwise);
}

bool ConfigReader::boolean(std::string_view key, bool otherwise) {
  return missing(key) ? otherwise : take(fields.boolean(key), otherwise);
}

std::optional<int64_t> ConfigReader::optionalInteger(std::string_view key, int64_t lo, int64_t hi,
                                                     std::optional<int64_t> otherwise) {
  return missing(key) ? otherwise : take(fields.optionalInteger(key, lo, hi), otherwise);
}

std::optional<double> ConfigReader::optionalNumber(std::string_view key, double lo, double hi,
                                                   std::optional<double> otherwise) {
  if (missing(key))
    return otherwise;
  return has(key) ? std::optional(take(fields.number(key, lo, hi), lo)) : std::nullopt;
}

llm::ActivationKind ConfigReader::activation(std::string_view key, std::string_view otherwise) {
  std::string name = missing(key) ? std::string(otherwise) : take(fields.string(key), std::string(otherwise));
  for (const NamedActivation &activation : activations)
    if (activation.name == name)
      return activation.kind;
  std::string supported;
  for (const NamedActivation &activation : activations)
    supported += fmt::format("{}{}", supported.empty() ? "" : ", ", activation.name);
  refuse(key, fmt::format("unsupported activation {}; supported: {}", quote(name), supported));
  return llm::ActivationKind::gelu;
}

std::optional<std::vector<std::string>> ConfigReader::strings(std::string_view key, size_t maxSize) {
  if (missing(key) || !has(key))
    return std::nullopt;
  return take(fields.strings(key, maxSize), {});
}

std::optional<JsonObject> ConfigReader::object(std::string_view key) {
  if (missing(key) || !has(key))
    return std::nullopt;
  auto result = take(fields.optionalObject(key), {});
  return result && !result->json().empty() ? result : std::nullopt;
}

std::string_view ConfigReader::either(std::string_view key, std::string_view alias) {
  bool hasKey = !missing(key), hasAlias = !missing(alias);
  if (hasKey && hasAlias)
    require(*fields.json().find(key) == *fields.json().find(alias), key,
            fmt::format("differs from its other name {}", alias));
  return hasAlias && !hasKey ? alias : key;
}

void ConfigReader::require(bool holds, std::string_view key, std::string_view rule) {
  if (!holds && !failed())
    refuse(key, rule);
}

void ConfigReader::refuse(std::string_view key, std::string_view why) { record(fields.error(key, why).value()); }

void ConfigReader::record(const Error &error) {
  std::string_view message = error.message;
  std::string prefix = fields.source() + ": ";
  if (message.starts_with(prefix))
    message.remove_prefix(prefix.size());
  if (std::ranges::find(problems, message) == problems.end())
    problems.emplace_back(message);
}

void ConfigReader::checkOtherKeys(std::vector<std::string> *warnings) {
  for (const auto &[key, value] : fields.json().items()) {
    if (understood.contains(key))
      continue;
    KeyRole role = keyRole(key, value);
    if (role == KeyRole::Matters)
      refuse(key, fmt::format("{} is not supported for {}", describeJson(value), family));
    else if (role == KeyRole::Unknown && warnings)
      warnings->push_back(fmt::format("{}: {}: unknown key, ignored", fields.source(), printable(key)));
  }
}

Status ConfigReader::finish(std::vector<std::string> *warnings) {
  checkOtherKeys(warnings);
  if (!failed())
    return {};
  constexpr size_t shown = 12;
  std::string text = fields.source() + ": ";
  for (size_t i = 0; i < std::min(problems.size(), shown); ++i)
    text += (i ? "; " : "") + problems[i];
  if (problems.size() > shown)
    text += fmt::format("; and {} more", problems.size() - shown);
  return malformed("{}", text);
}
