//===- LatentAttention.h - DeepSeek's multi-head latent attention ---------===//
#ifndef YOKE_LIB_IMPORT_LATENTATTENTION_H
#define YOKE_LIB_IMPORT_LATENTATTENTION_H

#include "Import/DecoderConfig.h"

namespace yoke::import {

/// Elements of a head that rotate are the decoder's `rotating`, of the cache's one head `shape.headDim`.
struct LatentConfig {
  std::optional<int64_t> queryRank; ///< of the query's latent; nullopt: queries are projected directly
  int64_t rank = 1;                 ///< of the latent that keys and values share
  int64_t plain = 1, rotating = 2;  ///< elements of a query's or key's head: those that do not rotate, those that do
  int64_t value = 1;                ///< elements of a value's head
  bool bias = false;
  bool isInterleaved = true; ///< whether elements rotate as neighbours instead of as halves
  double scale = 1;
};

/// Reads everything but the kind of rotation, and the decoder that goes with it: its cache has one head, the latent
/// behind the rotating elements.
std::pair<DecoderConfig, LatentConfig> readLatentDecoder(ConfigReader &config, int64_t positionsDefault);

/// Attention over the cached latents: instead of expanding a latent to the keys of all heads, a head's query is taken
/// to the latent space, and the sum of latents that it reads is taken from there to the head's value. Keys and values
/// are the same numbers but for the rotation: `rotating` elements, then the normalised latent.
mlir::Value latentAttention(ModelBuilder &model, const DecoderConfig &decoder, const LatentConfig &config,
                            int64_t layer, mlir::Value x, const std::string &prefix);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_LATENTATTENTION_H
