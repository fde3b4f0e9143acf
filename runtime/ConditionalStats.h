// What models with conditional computation computed: counted by compiled code, read here.
#pragma once

#include "runtime/Session.h"

namespace yoke {

/// Sums over all steps of a session, or between two moments of it.
struct ConditionalStats {
  struct LayerLoad {
    int64_t layer;
    std::vector<int64_t> rows; ///< that each expert computed
  };

  int64_t rows = 0;                  ///< tokens of all steps
  int64_t skippedFfnBlocks = 0;      ///< feed-forward blocks that rows skipped
  std::vector<LayerLoad> expertLoad; ///< of each layer with experts

  /// Of a session with a device only `rows` are known.
  static ConditionalStats of(const Session &session);
  ConditionalStats since(const ConditionalStats &before) const;

  /// Of the rows' feed-forward blocks in all layers, the part that was skipped.
  double skippedFfnFraction(int64_t layers) const {
    return rows * layers > 0 ? static_cast<double>(skippedFfnBlocks) / static_cast<double>(rows * layers) : 0;
  }
};

} // namespace yoke
