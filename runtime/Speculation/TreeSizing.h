#pragma once

#include "runtime/Speculation/CostModel.h"
#include "runtime/Speculation/DraftTree.h"

namespace yoke {

struct TreeSize {
  int32_t guesses = 0;
  /// Seconds that the guesses are expected to save against steps without them.
  double savedSeconds = 0;
};

/// How many of a tree's most probable guesses to verify: those that yield the most tokens per second. Rows that the
/// step holds anyway (`otherRows`, of other sequences) each yield a token. At most `maxGuesses`.
TreeSize sizeTree(const DraftTree &tree, const CostModel &cost, int64_t otherRows, int64_t maxGuesses);

} // namespace yoke
