// Decoders by their shapes: what scheduling and simulation need to know of a model.
#pragma once

#include "Support/Error.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace yoke::sim {

struct ModelShape {
  std::string name;
  int64_t heads, width, headSize, layers;
  int64_t tensorParallel = 1, pipelineParallel = 1;
  int64_t vocabulary = 50304;
  int64_t keyHeads = 0; ///< heads of keys and values
  int64_t hidden = 0;   ///< inner width of the feed-forward network
  bool gated = false;   ///< two matrices into the feed-forward network, multiplied after the activation of one
  bool rotary = false;
  int64_t positions = 0; ///< longest sequence; 0: not known
  int64_t window = 0;    ///< keys that a query sees at most; 0: all

  int64_t headsPerDevice() const { return heads / tensorParallel; }
  /// Keys and values of a head are kept twice where there are fewer of them than devices.
  int64_t keyHeadsPerDevice() const { return std::max<int64_t>(1, keyHeads / tensorParallel); }
  int64_t queriesPerKey() const { return headsPerDevice() / keyHeadsPerDevice(); }
  int64_t queryWidth() const { return headsPerDevice() * headSize; }
  int64_t keyWidth() const { return keyHeadsPerDevice() * headSize; }
  int64_t hiddenPerDevice() const { return hidden / tensorParallel; }
  int64_t vocabularyPerDevice() const { return (vocabulary + tensorParallel - 1) / tensorParallel; }
  int64_t layersPerStage() const { return (layers + pipelineParallel - 1) / pipelineParallel; }
  /// Weights of one decoder block on one device, in elements: QKV, projection, feed-forward matrices.
  int64_t blockWeights() const {
    return width * (2 * queryWidth() + 2 * keyWidth() + (gated ? 3 : 2) * hiddenPerDevice());
  }
  /// Keys that the newest of `length` tokens sees.
  int64_t visible(int64_t length) const { return window ? std::min(window, length) : length; }
};

/// gpt3-7b, gpt3-13b, gpt3-30b, gpt3-175b with the parallelism of the published evaluation, and llama-like shapes.
/// Error: Usage.
Result<ModelShape> findModel(std::string_view name);
std::vector<std::string> modelNames();

/// The shape that a Hugging Face config.json describes: gpt2, gpt_neox, opt and the llama-like families. Error
/// (Malformed): names the key and the rule; mixtures of experts and encoders are refused.
Result<ModelShape> parseModelConfig(std::string_view text, std::string_view source, std::string name);

/// Whether heads, layers and widths divide evenly over the devices. Error: Usage.
Status checkParallelism(const ModelShape &model);

} // namespace yoke::sim
