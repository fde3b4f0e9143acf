//===- SpecialTokens.cpp - ids of the beginning, end and padding ----------===//
#include "Import/SpecialTokens.h"

#include "Support/Text.h"

#include <algorithm>
#include <array>

using namespace yoke;
using namespace yoke::import;

using Ids = std::vector<int64_t>;

/// The ids under `key`: nullopt when it is missing, none when it is null.
static Result<std::optional<Ids>> readIds(const JsonObject &object, std::string_view key, int64_t lo,
                                          int64_t vocabulary, bool list) {
  if (object.json().find(key) == object.json().end())
    return std::nullopt;
  const Json *value = object.find(key);
  if (!value)
    return Ids();
  constexpr size_t maxIds = 4096;
  if (list && value->is_array())
    return YOKE_TRY(object.integers(key, lo, vocabulary - 1, maxIds));
  Result<int64_t> id = object.integer(key, lo, vocabulary - 1);
  if (!id && value->is_number_integer())
    return object.error(key, fmt::format("{} is not an id below vocab_size {}", describeJson(*value), vocabulary));
  return Ids{YOKE_TRY(std::move(id))};
}

/// The first of the files that has the key decides; null in generation_config.json leaves it to config.json. What the
/// other says must be in range all the same.
static Result<Ids> findIds(const std::array<const JsonObject *, 2> &files, std::string_view key, int64_t lo,
                           int64_t vocabulary, std::optional<int64_t> otherwise, bool list) {
  std::optional<Ids> found;
  for (const JsonObject *file : files) {
    if (!file)
      continue;
    auto ids = YOKE_TRY(readIds(*file, key, lo, vocabulary, list));
    if (!found && ids && (!ids->empty() || file == files.back()))
      found = std::move(ids);
  }
  if (found)
    return *found;
  return otherwise && *otherwise < vocabulary ? Ids{*otherwise} : Ids();
}

Result<SpecialTokens> yoke::import::readSpecialTokens(const JsonObject &config, const Checkpoint &checkpoint,
                                                      const TokenDefaults &defaults, int64_t vocabulary) {
  Json document;
  std::optional<JsonObject> generation;
  if (auto text = checkpoint.generationConfig()) {
    std::string source = printable(checkpoint.folder(), 4096) + "/generation_config.json";
    document = YOKE_TRY(parseJson(*text, source, {.allowNonFinite = true}));
    generation = YOKE_TRY(JsonObject::from(document, source));
  }
  std::array<const JsonObject *, 2> files = {generation ? &*generation : nullptr, &config};

  SpecialTokens tokens;
  auto first = [](const Ids &ids) { return ids.empty() || ids[0] < 0 ? std::nullopt : std::optional(ids[0]); };
  tokens.bos = first(YOKE_TRY(findIds(files, "bos_token_id", 0, vocabulary, defaults.bos, false)));
  tokens.pad = first(YOKE_TRY(findIds(files, "pad_token_id", -1, vocabulary, defaults.pad, false)));
  tokens.eos = YOKE_TRY(findIds(files, "eos_token_id", 0, vocabulary, defaults.eos, true));
  std::ranges::sort(tokens.eos);
  tokens.eos.erase(std::unique(tokens.eos.begin(), tokens.eos.end()), tokens.eos.end());
  return tokens;
}
