//===- Family.h - one kind of model that can be imported ------------------===//
#ifndef YOKE_LIB_IMPORT_FAMILY_H
#define YOKE_LIB_IMPORT_FAMILY_H

#include "Import/ConfigReader.h"
#include "Import/ModelBuilder.h"

#include <vector>

namespace yoke::import {

/// Values of special tokens that config.json leaves out.
struct TokenDefaults {
  std::optional<int64_t> bos = std::nullopt, eos = std::nullopt, pad = std::nullopt;
};

struct Family {
  std::vector<llvm::StringRef> architectures; ///< values of config.json's `architectures[0]`
  llvm::StringRef modelType;                  ///< value of `model_type`, used when there are no `architectures`
  llvm::StringRef task;                       ///< "generate" or "embed"
  llvm::StringRef basePrefix;                 ///< of the base model's tensors: "model."
  TokenDefaults tokens;
  std::vector<llvm::StringRef> unusedTensors; ///< beginnings of names that a checkpoint may have in addition

  /// Reads the config, calls ModelBuilder::begin with its error returned, then writes the step function.
  Status (*build)(ConfigReader &config, ModelBuilder &model);
};

/// All families, in the order of families/Families.def.
llvm::ArrayRef<const Family *> families();

/// The head's weight [rows, columns]: that of the embedding `embedding` when tied, else `head`. As transformers, tied
/// weights that are both stored and differ stay apart (with a warning), and the one that is stored serves for both.
struct Head {
  mlir::Value embedding, head;
};
Head embeddingAndHead(ModelBuilder &model, llvm::StringRef embedding, llvm::StringRef head, int64_t rows,
                      int64_t columns, bool tied);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_FAMILY_H
