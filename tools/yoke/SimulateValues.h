// `yoke simulate --values`: a checkpoint's tokens, computed by the commands of the simulated device.
#pragma once

#include "Support/Error.h"

#include <string>

namespace yoke::cli {

struct ValuesRequest {
  std::string model;          ///< checkpoint folder
  std::string system;         ///< built-in target or the path of its description
  std::string text, tokenIds; ///< the prompt, one of them
  int64_t generate = 16;
  std::string commands; ///< where the command trace goes, "" nowhere
  bool json = false;
};

/// Greedy decoding. Errors: Usage, Malformed, Failed.
Result<int> simulateValues(const ValuesRequest &request);

} // namespace yoke::cli
