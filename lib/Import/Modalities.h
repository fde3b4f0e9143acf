//===- Modalities.h - layers whose weights depend on the modality ---------===//
#ifndef YOKE_LIB_IMPORT_MODALITIES_H
#define YOKE_LIB_IMPORT_MODALITIES_H

#include "Import/ConfigReader.h"
#include "Import/ModelBuilder.h"

namespace yoke::import {

/// How a token's modality, 0 or 1, is known.
struct ModalityRule {
  std::vector<std::pair<int64_t, int64_t>> ranges;    ///< ids [begin, end) of modality 1, in order
  std::optional<std::pair<int64_t, int64_t>> markers; ///< tokens between these two are of modality 1

  bool isEmpty() const { return ranges.empty() && !markers; }
};

/// Reads `moe_gen_token_ranges`, a list of [first, end] ids, or `vision_start_token_id` and `vision_end_token_id`. Says
/// nothing, an empty rule, when config.json has neither.
ModalityRule readModalityRule(ConfigReader &config, int64_t vocabulary);

/// The ids of the added tokens `start` and `end` of the checkpoint's tokenizer, nothing unless it has both.
std::optional<std::pair<int64_t, int64_t>> findMarkers(const Checkpoint &checkpoint, std::string_view start,
                                                       std::string_view end, int64_t vocabulary);

/// What the rows of one modality become: as many values for each modality, of the same widths.
using ModalityBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(int64_t modality, mlir::ValueRange rows)>;

/// `body` for each of `count` modalities on the rows that have it. Without `modalities`, as for one modality, its ops
/// stand alone.
llvm::SmallVector<mlir::Value> byModality(ModelBuilder &model, mlir::Value modalities, int64_t count,
                                          mlir::ValueRange inputs, ModalityBody body);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_MODALITIES_H
