//===- SharedExperts.cpp - DeepSeek's feed-forward blocks -----------------===//
#include "Import/SharedExperts.h"

#include "Import/DecoderLayers.h"
#include "Support/Text.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

SharedExpertsConfig yoke::import::readSharedExperts(ConfigReader &config, const DecoderConfig &decoder,
                                                    const SharedExpertsDefaults &defaults) {
  SharedExpertsConfig result{.routed = readExperts(config, decoder, defaults.routed), .shared = decoder};
  ExpertsConfig &routed = result.routed;
  routed.scale = config.number("routed_scaling_factor", 0, 1e6, defaults.scale);
  result.shared.intermediate = routed.inner * config.integer("n_shared_experts", 1, maxExperts, defaults.shared);
  result.firstSparse = config.integer("first_k_dense_replace", 0, maxLayers, defaults.firstSparse);
  config.accept({"aux_loss_alpha", "seq_aux", "ep_size"}); // what only training looks at
  config.require(config.integer("moe_layer_freq", 1, maxLayers, 1) == 1, "moe_layer_freq", "only 1 is supported");
  return result;
}

void yoke::import::requireOnly(ConfigReader &config, std::string_view key, std::string_view value) {
  std::string given = config.take(config.all().string(key, std::string(value)), std::string(value));
  config.accept({key});
  config.require(given == value, key, fmt::format("{} is not supported, only {}", quote(given), quote(value)));
}

Value yoke::import::sharedExperts(ModelBuilder &model, const DecoderConfig &decoder, const SharedExpertsConfig &config,
                                  int64_t layer, Value x, const std::string &prefix) {
  if (layer < config.firstSparse)
    return gatedMlp(model, decoder, x, prefix, config.bias);
  Value chosen = mixtureOfExperts(model, decoder, config.routed, x, prefix);
  return model.add(chosen, gatedMlp(model, config.shared, x, prefix + ".shared_experts", config.bias));
}
