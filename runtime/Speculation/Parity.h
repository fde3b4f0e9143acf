#pragma once

#include "runtime/Session.h"

#include <atomic>

namespace yoke {

struct ParityOptions {
  int64_t maxNewTokens = 96; ///< per prompt
  const std::atomic<bool> *cancelled = nullptr;
};

struct ParityResult {
  int64_t prompts = 0;
  int64_t tokens = 0;  ///< decoded without guesses
  int64_t steps = 0;   ///< that evaluated guesses
  int64_t guesses = 0; ///< evaluated
  int64_t accepted = 0;
};

/// Decodes each prompt greedily one token a step, then with every drafter that needs nothing but the text and with
/// random trees around the right continuation, all verified at full size, and by the package's compiled loop if it has
/// one, and compares tokens and the bits of the
/// logits that each token was chosen from. Errors: Failed (they differ: says where; cancelled), else as generate.
Result<ParityResult> checkParity(Session &session, const std::vector<std::vector<int32_t>> &prompts,
                                 const ParityOptions &options);

/// Prompts that suit any model: tokens at random, with repetitions, of lengths around those of pages and steps.
std::vector<std::vector<int32_t>> parityPrompts(const Session &session);

} // namespace yoke
