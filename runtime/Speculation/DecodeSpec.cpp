#include "runtime/Speculation/DecodeSpec.h"

#include "Support/Text.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

namespace yoke {
namespace {

using Drafter = DecodeSpec::Drafter;

struct Name {
  std::string_view name;
  Drafter drafter;
};

/// The first name of a drafter is the canonical one.
constexpr Name names[] = {
    {"greedy", Drafter::None},
    {"sample", Drafter::None},
    {"none", Drafter::None},
    {"prompt-lookup", Drafter::PromptLookup},
    {"lookup", Drafter::PromptLookup},
    {"ngram", Drafter::Ngram},
    {"suffix", Drafter::Ngram},
    {"token-recycling", Drafter::TokenRecycling},
    {"recycle", Drafter::TokenRecycling},
    {"aded", Drafter::Aded},
    {"adaptive", Drafter::Aded},
    {"model", Drafter::Model},
    {"medusa", Drafter::Medusa},
    {"hydra", Drafter::Hydra},
    {"eagle", Drafter::Eagle},
    {"auto", Drafter::Auto},
};

Status setInteger(std::string_view key, std::string_view text, int32_t low, int32_t high, int32_t &value) {
  int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high)
    return usageError("--decode: {} must be an integer from {} to {}, found {}", key, low, high, quote(text));
  value = number;
  return {};
}

Status setSwitch(std::string_view key, std::string_view text, std::string_view off, std::string_view on, bool &value) {
  if (text != off && text != on)
    return usageError("--decode: {} must be {} or {}, found {}", key, off, on, quote(text));
  value = text == on;
  return {};
}

Status setText(std::string_view key, std::string_view text, std::string &value) {
  if (text.empty())
    return usageError("--decode: {} is empty", key);
  value = text;
  return {};
}

using Setter = std::function<Status(DecodeSpec &, std::string_view key, std::string_view value)>;

/// What may be set for a drafter.
std::map<std::string_view, Setter> settersOf(Drafter drafter) {
  std::map<std::string_view, Setter> setters = {
      {"rows", [](DecodeSpec &s, auto key, auto v) { return setInteger(key, v, 2, 256, s.rows); }},
      {"buckets", [](DecodeSpec &s, auto key, auto v) { return setText(key, v, s.buckets); }},
      {"size", [](DecodeSpec &s, auto key, auto v) { return setSwitch(key, v, "full", "auto", s.sized); }},
  };
  if (drafter == Drafter::PromptLookup) {
    setters["n"] = [](DecodeSpec &s, auto key, auto v) {
      return setInteger(key, v, 1, PromptLookup::maxMatchLimit, s.lookup.maxMatch);
    };
    setters["copy"] = [](DecodeSpec &s, auto key, auto v) { return setInteger(key, v, 1, 255, s.lookup.copied); };
  }
  if (drafter == Drafter::Ngram)
    setters["n"] = [](DecodeSpec &s, auto key, auto v) { return setInteger(key, v, 1, 1024, s.maxNgram); };
  if (drafter == Drafter::TokenRecycling || drafter == Drafter::Auto || drafter == Drafter::Medusa)
    setters["tree"] = [](DecodeSpec &s, auto key, auto v) { return setText(key, v, s.treeFile); };
  if (drafter == Drafter::TokenRecycling || drafter == Drafter::Auto) {
    setters["state"] = [](DecodeSpec &s, auto key, auto v) -> Status {
      if (v == "none") {
        s.keepState = false;
        return {};
      }
      return setText(key, v, s.stateFile);
    };
  }
  if (drafter == Drafter::TokenRecycling) {
    setters["shape"] = [](DecodeSpec &s, auto key, auto v) {
      return setSwitch(key, v, "grown", "fixed", s.fixedShape);
    };
    setters["costs"] = [](DecodeSpec &s, auto key, auto v) { return setText(key, v, s.costs); };
  }
  if (drafter == Drafter::Aded) {
    setters["search"] = [](DecodeSpec &s, auto key, auto v) {
      return setSwitch(key, v, "best-first", "mcts", s.monteCarlo);
    };
    setters["corpus"] = [](DecodeSpec &s, auto key, auto v) { return setText(key, v, s.corpusFile); };
  }
  return setters;
}

} // namespace

const char *const decodeSpecHelp =
    "greedy, sample, or guesses ahead that never change the text: auto, prompt-lookup, "
    "ngram, token-recycling, aded, model:PACKAGE, or medusa, hydra, eagle for heads in the "
    "package; options follow as :KEY=VALUE,...";

Result<DecodeSpec> DecodeSpec::parse(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view rest = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  const auto *found = std::ranges::find(names, name, &Name::name);
  if (found == std::end(names))
    return usageError("--decode {}: unknown; known: greedy, sample, prompt-lookup, ngram, token-recycling, aded, "
                      "medusa, hydra, eagle, model:PACKAGE, auto",
                      quote(text));
  DecodeSpec spec;
  spec.drafter = found->drafter;
  if (spec.drafter == Drafter::Model) {
    if (rest.empty())
      return usageError("--decode model: needs the draft model's package, as model:PACKAGE");
    spec.draftModel = rest;
    return spec;
  }
  if (spec.drafter == Drafter::None) {
    if (!rest.empty())
      return usageError("--decode {}: takes no options, found {}", name, quote(rest));
    if (name != "none")
      spec.sample = name == "sample";
    return spec;
  }
  const auto setters = settersOf(spec.drafter);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view setting = rest.substr(0, comma);
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
    const size_t equals = setting.find('=');
    const auto setter = setters.find(setting.substr(0, equals));
    if (equals == setting.npos || setter == setters.end()) {
      std::vector<std::string_view> keys;
      for (const auto &[key, unused] : setters)
        keys.push_back(key);
      return usageError("--decode {}: unknown option {}; options: {}", name, quote(setting), fmt::join(keys, ", "));
    }
    YOKE_TRY(setter->second(spec, setter->first, setting.substr(equals + 1)));
  }
  return spec;
}

std::string_view DecodeSpec::name() const {
  if (drafter == Drafter::None)
    return sample.value_or(false) ? "sample" : "greedy";
  return std::ranges::find(names, drafter, &Name::drafter)->name;
}

} // namespace yoke
