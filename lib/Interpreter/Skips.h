// What llm.ffn_skip computes, on plain matrices. Values are float32, sums double.
#pragma once

#include "Interpreter/Matrix.h"
#include "Support/Error.h"

#include <functional>

namespace yoke::kernels {

struct SkipPolicy {
  int64_t warmUp; ///< position from which on rows may skip
  double tau;     ///< cosine from which on a row skips
  int32_t k;      ///< blocks that it then skips
};

struct SkippedRows {
  Matrix rows;                    ///< [T, D]
  std::vector<int32_t> remaining; ///< of each row, blocks that it still skips
};

/// Makes as many rows of what a feed-forward block adds.
using FeedForwardFunction = std::function<Result<Matrix>(Matrix rows)>;

/// x plus what `feedForward` makes of it for the rows that skip nothing; it sees no others. `skips` may be null.
/// Errors: those of `feedForward`.
Result<SkippedRows> ffnSkip(const Matrix &x, const std::vector<int32_t> *skips, const std::vector<int32_t> &positions,
                            const SkipPolicy &policy, const FeedForwardFunction &feedForward);

} // namespace yoke::kernels
