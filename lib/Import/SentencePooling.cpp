//===- SentencePooling.cpp - how sentence-transformers ends an encoder ----===//
#include "Import/SentencePooling.h"

#include "Support/File.h"
#include "Support/Json.h"
#include "Support/Text.h"

#include "llvm/ADT/StringRef.h"

#include <filesystem>

using namespace yoke;
using namespace yoke::import;

namespace {

struct Mode {
  llvm::StringLiteral key;   ///< in older files, true or false
  llvm::StringLiteral value; ///< of `pooling_mode` in newer files
  std::optional<llm::PoolKind> kind;
};

constexpr Mode modes[] = {
    {"pooling_mode_mean_tokens", "mean", llm::PoolKind::mean},
    {"pooling_mode_cls_token", "cls", llm::PoolKind::first},
    {"pooling_mode_lasttoken", "lasttoken", llm::PoolKind::last},
    {"pooling_mode_max_tokens", "max", std::nullopt},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", std::nullopt},
    {"pooling_mode_weightedmean_tokens", "weightedmean", std::nullopt},
};

constexpr llvm::StringLiteral supportedModes = "supported: one of mean, cls, lasttoken";

} // namespace

/// Whether `path` names an entry of the folder it is in.
static bool isPlainName(llvm::StringRef path) {
  return !path.empty() && path != "." && path != ".." && path.find_first_of(llvm::StringRef("/\\\0", 3)) == path.npos;
}

static Result<Json> readJson(const std::string &path) {
  return parseJson(YOKE_TRY(readFile(path, size_t(1) << 20)), printable(path, 4096));
}

static Result<llm::PoolKind> readMode(const JsonObject &pooling) {
  std::vector<const Mode *> chosen;
  if (pooling.has("pooling_mode")) {
    std::string name = YOKE_TRY(pooling.string("pooling_mode"));
    for (const Mode &mode : modes)
      if (mode.value == name)
        chosen.push_back(&mode);
    if (chosen.empty())
      return pooling.error("pooling_mode", fmt::format("unsupported mode {}; {}", quote(name), supportedModes.data()));
  } else {
    for (const Mode &mode : modes)
      if (YOKE_TRY(pooling.boolean(mode.key, false)))
        chosen.push_back(&mode);
    if (chosen.empty()) // the default of sentence-transformers
      return llm::PoolKind::mean;
  }
  if (chosen.size() == 1 && chosen[0]->kind)
    return *chosen[0]->kind;
  std::string names;
  for (const Mode *mode : chosen)
    names += fmt::format("{}{}", names.empty() ? "" : " and ", mode->value.data());
  return pooling.error("", fmt::format("unsupported pooling by {}; {}", names, supportedModes.data()));
}

static Result<llm::PoolKind> readPooling(const std::string &folder, const std::string &path, int64_t hidden) {
  std::string file = folder + "/" + path + "/config.json";
  Json document = YOKE_TRY(readJson(file));
  JsonObject pooling = YOKE_TRY(JsonObject::from(document, printable(file, 4096)));
  for (std::string_view key : {"word_embedding_dimension", "embedding_dimension"})
    if (pooling.has(key))
      YOKE_TRY(pooling.integer(key, hidden, hidden));
  return readMode(pooling);
}

Result<SentencePooling> yoke::import::readSentencePooling(const Checkpoint &checkpoint, int64_t hidden) {
  SentencePooling result;
  std::string file = checkpoint.folder() + "/modules.json";
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored)))
    return result;
  Json document = YOKE_TRY(readJson(file));
  std::string source = printable(file, 4096);
  if (!document.is_array())
    return malformed("{}: expected an array, found {}", source, describeJson(document));

  constexpr llvm::StringLiteral order[] = {"Transformer", "Pooling", "Normalize"};
  constexpr size_t maxModules = 16;
  if (document.size() < 2 || document.size() > maxModules)
    return malformed("{}: {} modules are not supported; supported: Transformer, Pooling and perhaps Normalize", source,
                     document.size());
  for (size_t i = 0; i < document.size(); ++i) {
    JsonObject module = YOKE_TRY(JsonObject::from(document[i], source, fmt::format("[{}]", i)));
    std::string type = YOKE_TRY(module.string("type"));
    llvm::StringRef kind = llvm::StringRef(type).rsplit('.').second;
    if (i >= std::size(order) || (kind.empty() ? llvm::StringRef(type) : kind) != order[i])
      return module.error("type", fmt::format("unsupported module {}; supported: Transformer, Pooling and perhaps "
                                              "Normalize, in this order",
                                              quote(type)));
    if (i == 1) {
      std::string path = YOKE_TRY(module.string("path"));
      if (!isPlainName(path))
        return module.error("path", fmt::format("{} must be the name of a folder beside this file", quote(path)));
      result.kind = YOKE_TRY(readPooling(checkpoint.folder(), path, hidden));
    }
    result.normalize = i == 2;
  }
  return result;
}
