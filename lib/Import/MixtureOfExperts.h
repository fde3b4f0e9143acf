//===- MixtureOfExperts.h - layers that route tokens to experts -----------===//
#ifndef YOKE_LIB_IMPORT_MIXTUREOFEXPERTS_H
#define YOKE_LIB_IMPORT_MIXTUREOFEXPERTS_H

#include "Import/DecoderConfig.h"
#include "MoE/MoE.h"

namespace yoke::import {

constexpr int64_t maxExperts = 4096;

struct ExpertsConfig {
  int64_t count = 1, topK = 1;
  int64_t inner = 1; ///< columns inside an expert
  bool normalized = false;
  moe::Scoring scoring = moe::Scoring::softmax;
  double scale = 1;                  ///< of all weights
  int64_t groups = 1, topGroups = 1; ///< see `moe.route`
  bool hasPairs = false;
  bool hasCorrection = false; ///< whether the choice goes by scores plus `gate.e_score_correction_bias`
};

/// What a family's configuration class says about missing fields.
struct ExpertsDefaults {
  std::string_view countKey = "num_experts", countAlias = "num_local_experts";
  std::string_view innerKey = "moe_intermediate_size";
  int64_t count;
  std::optional<int64_t> topK;                 ///< nullopt: the field must be there
  std::optional<int64_t> inner = std::nullopt; ///< nullopt: the field must be there
  bool canBeNone = false;                      ///< whether a count of 0 is a model without experts
};

/// Reads the number of experts, `num_experts_per_tok` and the expert's size, but not whether weights are normalised.
ExpertsConfig readExperts(ConfigReader &config, const DecoderConfig &decoder, const ExpertsDefaults &defaults);

/// Lets a token choose from `topGroups` of `groups` groups of experts; `hasPairs` must be set before.
void setGroups(ConfigReader &config, ExpertsConfig &experts, int64_t groups, int64_t topGroups);

/// Which layers have experts, as Qwen says it: `decoder_sparse_step` and `mlp_only_layers`.
std::vector<bool> readSparseLayers(ConfigReader &config, int64_t layers);

/// How a checkpoint names the three projections of an expert.
struct ExpertNames {
  std::string_view gate = "gate_proj", up = "up_proj", down = "down_proj";
};

/// Routes by the scores of `prefix`.gate and sums down(activation(gate(x)) * up(x)) of each token's experts, which are
/// `prefix`.experts.N.{gate,up,down}.weight, or stacked `prefix`.experts.gate_up_proj [experts, 2 * inner, in] and
/// down_proj [experts, out, inner].
mlir::Value mixtureOfExperts(ModelBuilder &model, const DecoderConfig &decoder, const ExpertsConfig &experts,
                             mlir::Value x, const std::string &prefix, const ExpertNames &names = {});

/// Each row of x times its number in factors [T, 1].
mlir::Value scaleRows(ModelBuilder &model, mlir::Value x, mlir::Value factors);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_MIXTUREOFEXPERTS_H
