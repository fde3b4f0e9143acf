//===- HeadImport.h - draft heads beside a model --------------------------===//
#ifndef YOKE_LIB_IMPORT_HEADS_HEADIMPORT_H
#define YOKE_LIB_IMPORT_HEADS_HEADIMPORT_H

#include "Import/ModelBuilder.h"

namespace yoke::import {

/// Adds the functions of draft heads to a finished model, and the module attribute `llm.draft` {kind, heads,
/// vocabulary}, with `llm.draft_vocabulary`, the model's token of each draft token, where they differ.
///
/// - "medusa": `@medusa_heads`, from features [T, D] to logits of all heads: with one projection for all a result of
///   [T * heads, V], with own projections one [T, V] for each head. The features are the step's normalised last rows.
/// - "hydra": `@hydra_head_I` from the same features and I + 1 token ids a row to logits [T, V], and for Hydra++
///   `@hydra_prefix`, which makes the features of the rows of a text with a cache of its own.
/// - "eagle": `@eagle_features` from the inputs of three layers, side by side, to [T, D], and `@eagle_layer` from that
///   and one token a row to logits of the wanted rows and the features [T, D] of the next.
///
/// `config` is the model's. Errors (Malformed): heads for another hidden size or vocabulary, layouts that are not
/// known, tensors that are missing, extra or misshaped; a model that the heads cannot be for.
Status importHeads(ModelBuilder &model, const DraftHeads &heads, const JsonObject &config);

/// Whether a tensor of a model's checkpoint belongs to heads that were saved with it (Medusa 1.0).
bool isHeadTensor(llvm::StringRef name);

/// The tensors of heads, and what is made of them.
class HeadTensors {
public:
  HeadTensors(ModelBuilder &model, const DraftHeads &heads);

  ModelBuilder &model;
  const Checkpoint &checkpoint;
  WeightTable table;

  const TensorInfo *find(const std::string &name) const { return checkpoint.find(name); }
  std::string folder() const;
  /// How many of PREFIX0SUFFIX, PREFIX1SUFFIX, ... there are, at most 64.
  int64_t count(const std::string &prefix, const std::string &suffix) const;
  /// Error: a tensor that is not there, or not of this shape.
  Status expect(const std::string &name, std::initializer_list<int64_t> shape) const;
  /// The name of the tensor whose bytes are those of `name`: `original` when the two are equal, which makes `name` a
  /// copy that is not read.
  std::string sameAs(const std::string &name, const std::string &original);

  /// Reads the draft vocabulary: a list of the model's tokens under `name`, or offsets from the draft tokens. All
  /// tokens without it.
  Status readVocabulary(const std::string &name, bool offsets);
  int64_t vocabulary() const { return tokens.empty() ? model.shape().vocabulary : static_cast<int64_t>(tokens.size()); }
  /// A matrix with a row for each draft token: `name`, which may have a row for each of the model's tokens; without a
  /// name that of the model's own head.
  Result<mlir::Value> projection(const std::string &name);

  /// Ends the import: checks that all tensors were used, and sets the attributes.
  Status finish(llvm::StringRef kind, int64_t heads, llvm::function_ref<bool(llvm::StringRef)> mayBeExtra);

private:
  std::vector<TensorRows> tokenRows(const std::string &tensor, const std::vector<int64_t> &shape) const;

  std::vector<int32_t> tokens; ///< of the model, by draft token; empty: the same
  std::vector<std::string> copies;
};

Status importMedusa(HeadTensors &heads);
Status importHydra(HeadTensors &heads, const JsonObject &modelConfig);
Status importEagle(HeadTensors &heads);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_HEADS_HEADIMPORT_H
