// Steps without draft trees, longer than those of the interpreter's tests.
#pragma once

#include "RandomProgram.h"

namespace yoke {

struct StepLimits {
  int32_t sequences = 3;
  int32_t maxTokens = 70; ///< of one step
  int64_t slots = 64;     ///< of one sequence
  int64_t vocabSize = 37;
  bool isEncoder = false;
};

/// Steps to run one after the other on one cache: prefill in chunks of any size and single tokens of several sequences
/// in ragged batches, until the sequences are full or after 12 steps; for an encoder, independent batches.
std::vector<Batch> makeChainSteps(const StepLimits &limits, uint64_t seed);

/// The same tokens, one a step, in an order that keeps each sequence's; every token delivers an output row.
std::vector<Batch> oneTokenSteps(const std::vector<Batch> &steps);

/// The sequences of an encoder's batch, one a step.
std::vector<Batch> oneSequenceSteps(const Batch &batch);

} // namespace yoke
