//===- DecoderConfig.h - sizes that Llama-like decoders have in common ----===//
#ifndef YOKE_LIB_IMPORT_DECODERCONFIG_H
#define YOKE_LIB_IMPORT_DECODERCONFIG_H

#include "Import/LayerWindows.h"
#include "Import/ModelBuilder.h"

namespace yoke::import {

struct DecoderConfig {
  ModelShape shape;
  int64_t heads = 1, intermediate = 1;
  double epsilon = 1e-6;
  llm::ActivationKind activation = llm::ActivationKind::silu;
  bool tied = false;
  LayerRopes ropes;
  std::vector<std::optional<int64_t>> windows; ///< one a layer

  int64_t headDim() const { return shape.headDim; }
  int64_t queryColumns() const { return heads * shape.headDim; }
  int64_t keyColumns() const { return shape.kvHeads * shape.headDim; }
  /// Of a layer: its window decides when the two kinds differ.
  const Rope &rope(int64_t layer) const { return windows[layer] ? ropes.sliding : ropes.full; }
};

/// What a family's configuration class says about missing fields.
struct DecoderDefaults {
  int64_t positions = 2048;
  std::optional<int64_t> kvHeads = std::nullopt; ///< nullopt: as many as heads
  std::optional<int64_t> headDim = std::nullopt; ///< nullopt: hidden_size / num_attention_heads
  std::string_view headDimKey = "head_dim";      ///< of the elements of a head that rotate
  double epsilon = 1e-6;
  bool tied = false;
  std::string_view activationKey = "hidden_act";
  std::string_view activation = "silu";
  RopeSpelling rope = {};
};

/// Reads everything but the windows.
DecoderConfig readDecoder(ConfigReader &config, const DecoderDefaults &defaults);

/// The size of a head where it is always hidden / heads: records an error when heads does not divide hidden, or when a
/// `head_dim` says otherwise.
int64_t readEvenHeadDim(ConfigReader &config, int64_t hidden, int64_t heads, std::string_view headsKey);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_DECODERCONFIG_H
