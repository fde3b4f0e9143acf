#pragma once

#include "Package/LoopAbi.h"
#include "Package/Package.h"
#include "Support/Error.h"
#include "Tokenizer/Tokenizer.h"
#include "runtime/AnonymousMemory.h"
#include "runtime/GenerationConfig.h"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace yoke {

class CodeModule;

struct ModelOptions {
  /// False: weights are read into memory of our own, so that later changes of the file cannot be seen.
  bool mapWeights = true;
  /// True: ask the system to read all weights ahead while the model is being opened.
  bool prefetchWeights = true;
};

/// A compiled model ready to execute: immutable, shared by sessions.
struct Model {
  std::string path;
  Manifest manifest;
  YokeStepFunction step = nullptr;
  /// Null unless the manifest has a `loop`, and the latter one of best tokens.
  YokeLoopFunction loop = nullptr, greedyLoop = nullptr;
  /// Those of manifest.draft->entries, in their order.
  std::vector<YokeDraftFunction> draftFunctions;
  /// The token of each draft token; empty: the same.
  std::vector<int32_t> draftVocabulary;
  std::span<const std::byte> weights;
  /// Null when the package has no tokenizer.
  std::unique_ptr<Tokenizer> tokenizer;
  GenerationConfig generation;
  /// Tokens that end a text: the generation config's, else the manifest's.
  std::vector<int32_t> endTokens;
  double loadSeconds = 0;

  Model();
  ~Model();

  /// Opens a package. Errors: Malformed (format, hashes, code for another CPU, tokenizer), Resources.
  static Result<std::shared_ptr<const Model>> open(const std::string &path, const ModelOptions &options = {});

  /// The text of a section of the package; empty when there is none.
  std::string_view sectionText(std::string_view section) const;
  bool generates() const { return manifest.task == Task::Generate; }
  /// Error (Malformed) when a token is outside the vocabulary.
  Status checkTokens(std::span<const int32_t> tokens) const;
  /// Tokens of a prompt, with the tokenizer's own begin and end tokens. Error: no tokenizer (Failed), Malformed.
  Result<std::vector<int32_t>> tokenize(std::string_view text, bool addSpecial = true, bool parseSpecial = true) const;

private:
  Status loadTexts();
  Status loadCode();
  Status loadDraft();
  Status loadWeights(const ModelOptions &options);

  std::optional<Package> package;
  std::unique_ptr<CodeModule> code;
  AnonymousMemory ownWeights;
};

} // namespace yoke
