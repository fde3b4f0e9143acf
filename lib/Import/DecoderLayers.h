//===- DecoderLayers.h - blocks that Llama-like decoders have in common ---===//
#ifndef YOKE_LIB_IMPORT_DECODERLAYERS_H
#define YOKE_LIB_IMPORT_DECODERLAYERS_H

#include "Import/DecoderConfig.h"
#include "Import/Family.h"

namespace yoke::import {

struct AttentionTraits {
  bool qkvBias = false, outBias = false;
  bool qkNorm = false;                        ///< RMS norms of each head's query and key before they rotate
  bool wholeQkNorm = false;                   ///< the same over all heads together
  std::optional<double> scale = std::nullopt; ///< nullopt: 1 / sqrt(head size)
  std::optional<double> softcap = std::nullopt;
};

/// q, k and v (projected, not yet rotated) to the attention's output, before the output projection.
mlir::Value attend(ModelBuilder &model, const DecoderConfig &config, int64_t layer, mlir::Value q, mlir::Value k,
                   mlir::Value v, const AttentionTraits &traits = {});

/// `prefix`.{q,k,v,o}_proj (and q_norm, k_norm) around attend().
mlir::Value selfAttention(ModelBuilder &model, const DecoderConfig &config, int64_t layer, mlir::Value x,
                          const std::string &prefix, const AttentionTraits &traits);

/// down(activation(gate(x)) * up(x)) with `prefix`.{gate,up,down}_proj.
mlir::Value gatedMlp(ModelBuilder &model, const DecoderConfig &config, mlir::Value x, const std::string &prefix,
                     bool bias = false);

/// What stands between the second norm of a layer and its residual sum: from the normalised rows, the layer's number
/// and its prefix, "model.layers.0".
using FeedForward = llvm::function_ref<mlir::Value(mlir::Value x, int64_t layer, const std::string &prefix)>;

/// What stands between the first norm of a layer and its residual sum, from the same.
using Attention = FeedForward;

/// The whole step of the models that have Llama's layers but for attention and MLP.
Status buildPreNormDecoder(ModelBuilder &model, ConfigReader &config, const DecoderConfig &decoder, Attention attention,
                           FeedForward feedForward);

/// The whole step of the models that have Llama's layers but for the MLP.
Status buildLlamaLike(ModelBuilder &model, ConfigReader &config, const DecoderConfig &decoder,
                      const AttentionTraits &traits, FeedForward feedForward);

/// The whole step of the models that have Llama's layers: embedding, layers of pre-norm attention and gated MLP with
/// residuals, final norm, head.
Status buildLlamaLike(ModelBuilder &model, ConfigReader &config, const DecoderConfig &decoder,
                      const AttentionTraits &traits, bool mlpBias = false);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_DECODERLAYERS_H
