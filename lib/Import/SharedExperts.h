//===- SharedExperts.h - DeepSeek's feed-forward blocks -------------------===//
#ifndef YOKE_LIB_IMPORT_SHAREDEXPERTS_H
#define YOKE_LIB_IMPORT_SHAREDEXPERTS_H

#include "Import/MixtureOfExperts.h"

namespace yoke::import {

/// Layers that are dense, then layers of experts that a router chooses and experts that all tokens share.
struct SharedExpertsConfig {
  ExpertsConfig routed;
  DecoderConfig shared;    ///< the sizes of all shared experts as one MLP
  int64_t firstSparse = 0; ///< layers before it are dense
  bool bias = false;       ///< of dense and shared MLPs
};

/// What a family's configuration class says about missing fields.
struct SharedExpertsDefaults {
  ExpertsDefaults routed;
  int64_t shared, firstSparse;
  double scale;
};

/// Reads the experts' numbers, sizes and scale, but not how they are scored and grouped.
SharedExpertsConfig readSharedExperts(ConfigReader &config, const DecoderConfig &decoder,
                                      const SharedExpertsDefaults &defaults);

/// Records that `key`, which transformers does not read, is not the one value that the architecture means.
void requireOnly(ConfigReader &config, std::string_view key, std::string_view value);

mlir::Value sharedExperts(ModelBuilder &model, const DecoderConfig &decoder, const SharedExpertsConfig &config,
                          int64_t layer, mlir::Value x, const std::string &prefix);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_SHAREDEXPERTS_H
