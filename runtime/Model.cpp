#include "runtime/Model.h"

#include "Package/HostTarget.h"
#include "Support/Json.h"
#include "runtime/CodeModule.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <sys/mman.h>

namespace yoke {

Model::Model() = default;
Model::~Model() = default;

Result<std::shared_ptr<const Model>> Model::open(const std::string &path, const ModelOptions &options) {
  auto start = std::chrono::steady_clock::now();
  auto model = std::make_shared<Model>();
  model->path = path;
  model->package = YOKE_TRY(Package::open(path));
  model->manifest = model->package->manifest();
  YOKE_TRY(checkHostTarget(model->manifest.target, path));
  if (model->generates() && model->manifest.step.outputColumns != model->manifest.vocabSize)
    return malformed("{}: manifest: step.output_columns is {}, but the vocabulary has {} tokens", path,
                     model->manifest.step.outputColumns, model->manifest.vocabSize);
  if (model->generates() && model->manifest.step.pageBytes == 0)
    return malformed("{}: manifest: step.page_bytes is 0: a model that generates needs a key-value cache", path);
  YOKE_TRY(model->loadWeights(options));
  YOKE_TRY(model->loadCode());
  YOKE_TRY(model->loadDraft());
  YOKE_TRY(model->loadTexts());
  model->loadSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return model;
}

Status Model::loadCode() {
  const PackageSection *section = YOKE_TRY(package->require(section_names::code));
  code = YOKE_TRY(CodeModule::load(section->bytes, path));
  step = reinterpret_cast<YokeStepFunction>(code->symbol(YOKE_STEP_SYMBOL));
  if (!step)
    return malformed("{}: section code: does not define {}", path, YOKE_STEP_SYMBOL);
  if (!manifest.loop)
    return {};
  loop = reinterpret_cast<YokeLoopFunction>(code->symbol(YOKE_LOOP_SYMBOL));
  if (!loop)
    return malformed("{}: section code: does not define {}", path, YOKE_LOOP_SYMBOL);
  if (manifest.loop->best == 0)
    return {};
  greedyLoop = reinterpret_cast<YokeLoopFunction>(code->symbol(YOKE_GREEDY_LOOP_SYMBOL));
  if (!greedyLoop)
    return malformed("{}: section code: does not define {}", path, YOKE_GREEDY_LOOP_SYMBOL);
  return {};
}

Status Model::loadDraft() {
  if (!manifest.draft)
    return {};
  for (const DraftEntry &entry : manifest.draft->entries) {
    const std::string symbol = YOKE_DRAFT_SYMBOL_PREFIX + entry.name;
    draftFunctions.push_back(reinterpret_cast<YokeDraftFunction>(code->symbol(symbol.c_str())));
    if (!draftFunctions.back())
      return malformed("{}: section code: does not define {}", path, symbol);
  }
  const PackageSection *section = package->find(section_names::draftVocabulary);
  if (!section)
    return manifest.draft->vocabulary == manifest.vocabSize
               ? Status()
               : malformed("{}: no section {}, but the manifest's draft has {} of {} tokens", path,
                           section_names::draftVocabulary, manifest.draft->vocabulary, manifest.vocabSize);
  const std::string source = fmt::format("{}: {}", path, section_names::draftVocabulary);
  const Json list = YOKE_TRY(parseJson(section->text(), source, {.depth = 2}));
  if (!list.is_array() || static_cast<int64_t>(list.size()) != manifest.draft->vocabulary)
    return malformed("{}: expected a list of {} tokens", source, manifest.draft->vocabulary);
  for (const Json &token : list) {
    if (!token.is_number_integer() || token < 0 || token >= manifest.vocabSize)
      return malformed("{}: expected tokens below {}, found {}", source, manifest.vocabSize, describeJson(token));
    draftVocabulary.push_back(token.get<int32_t>());
  }
  return {};
}

Status Model::loadWeights(const ModelOptions &options) {
  const PackageSection *section = YOKE_TRY(package->require(section_names::weights));
  weights = section->bytes;
  auto *address = const_cast<std::byte *>(weights.data());
  if (weights.empty())
    return {};
  if (options.prefetchWeights)
    madvise(address, weights.size(), MADV_WILLNEED);
  if (options.mapWeights)
    return {};
  ownWeights = YOKE_TRY(AnonymousMemory::allocate(static_cast<int64_t>(weights.size()), "the weights"));
  std::memcpy(ownWeights.data(), weights.data(), weights.size());
  weights = {ownWeights.data(), weights.size()};
  madvise(address, weights.size(), MADV_DONTNEED);
  return {};
}

Status Model::loadTexts() {
  if (const PackageSection *section = package->find(section_names::tokenizer))
    tokenizer = std::make_unique<Tokenizer>(YOKE_TRY(Tokenizer::load(section->text(), path + ": tokenizer.json")));
  if (const PackageSection *section = package->find(section_names::generationConfig))
    generation =
        YOKE_TRY(GenerationConfig::parse(section->text(), path + ": generation_config.json", manifest.vocabSize));
  if (generation.endTokens)
    endTokens = *generation.endTokens;
  else
    endTokens.assign(manifest.eosTokenIds.begin(), manifest.eosTokenIds.end());
  return {};
}

std::string_view Model::sectionText(std::string_view section) const {
  const PackageSection *found = package ? package->find(section) : nullptr;
  return found ? found->text() : std::string_view();
}

Status Model::checkTokens(std::span<const int32_t> tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= manifest.vocabSize)
      return malformed("token {} at place {} is outside the vocabulary of {}", tokens[i], i, manifest.vocabSize);
  return {};
}

Result<std::vector<int32_t>> Model::tokenize(std::string_view text, bool addSpecial, bool parseSpecial) const {
  if (!tokenizer)
    return failed("{}: has no tokenizer; give token ids instead of text", path);
  return tokenizer->encode(text, addSpecial, parseSpecial);
}

} // namespace yoke
