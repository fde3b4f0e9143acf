// `yoke simulate --values`: a checkpoint's tokens, computed by the commands of the simulated device.
#pragma once

#include "Simulator/ValueDecoder.h"
#include "Target/Target.h"

namespace yoke::cli {

struct ValuesRequest {
  std::string model;          ///< checkpoint folder
  std::string text, tokenIds; ///< the prompt, one of them
  int64_t generate = 16;
  std::string commands; ///< where the command trace goes, "" nowhere
  bool json = false;
};

/// Greedy decoding. Errors: Usage, Malformed (a checkpoint that is not a plain llama), Failed.
Result<int> simulateValues(const ValuesRequest &request, const Target &target);

/// The weights of a llama checkpoint as float32. Error (Malformed): names the tensor or the key.
Result<sim::DecoderWeights> loadDecoderWeights(const std::string &folder);

} // namespace yoke::cli
