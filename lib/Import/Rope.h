//===- Rope.h - rotary position embeddings as config.json describes them --===//
#ifndef YOKE_LIB_IMPORT_ROPE_H
#define YOKE_LIB_IMPORT_ROPE_H

#include "Import/ConfigReader.h"

#include <string_view>
#include <vector>

namespace yoke::import {

/// The numbers of a `#llm.rope`, by transformers' modeling_rope_utils: frequencies in float32 with the same order of
/// operations. Empty frequencies: nothing rotates.
struct Rope {
  std::vector<float> frequencies;
  float magnitude = 1;
  std::vector<float> longFrequencies; ///< for steps that reach position `longFrom`; empty: always `frequencies`
  int64_t longFrom = 0;
};

enum class RopeType { Default, Linear, Dynamic, Yarn, LongRope, Llama3 };

/// Fields of a rope dictionary with their defaults applied.
struct RopeParameters {
  RopeType type = RopeType::Default;
  double theta = 10000;
  int64_t dim = 0; ///< elements of a head that rotate; an odd number counts as the next even one
  double factor = 1;
  int64_t originalPositions = 1;
  std::optional<double> attentionFactor;
  double betaFast = 32, betaSlow = 1, mscale = 0, mscaleAllDim = 0;
  bool truncate = true;
  double lowFrequencyFactor = 1, highFrequencyFactor = 4;
  std::vector<double> shortFactors, longFactors;
};

Rope computeRope(const RopeParameters &parameters);

/// How a family spells its rope fields.
struct RopeSpelling {
  std::string_view theta = "rope_theta";
  double thetaDefault = 10000;
  std::string_view partial = ""; ///< key of the fraction of a head that rotates; empty: the whole head
  double partialDefault = 1;
  bool onlyLongRope = false;            ///< Phi-3: "su" and "yarn" are older names of longrope, no other scaling exists
  int64_t originalPositionsDefault = 0; ///< 0: max_position_embeddings
};

/// The rope of each kind of layer; they differ only when `rope_parameters` has one dictionary per layer type.
struct LayerRopes {
  Rope full, sliding;
};

/// Reads `rope_scaling` or `rope_parameters`, the keys in `spelling` and `original_max_position_embeddings`. `dynamic`
/// scaling is exact: positions stay below max_position_embeddings, where it changes nothing.
LayerRopes readRopes(ConfigReader &config, int64_t headDim, int64_t maxPositions, const RopeSpelling &spelling = {});

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_ROPE_H
