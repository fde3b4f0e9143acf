// When tokens skip feed-forward blocks (FFN-SkipLLM), as `yoke calibrate` writes it and `yoke compile` reads it.
#pragma once

#include "Support/Error.h"
#include "Support/Json.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace yoke {

struct SkipPolicy {
  static constexpr int64_t formatVersion = 1;

  // The model that it was measured on.
  std::string modelSha256; ///< of the checkpoint, 64 hexadecimal digits
  int64_t layers = 0;
  int64_t hiddenSize = 0;

  int64_t first = 0, last = 0; ///< layers from `first` up to `last` may be skipped; the others are cold
  int64_t warmUp = 0;          ///< position from which on a token may skip
  double tau = 1;              ///< cosine of a row before and after a block from which on it skips the next ones
  int64_t k = 1;               ///< blocks that it then skips
  bool record = false;         ///< skip none, but record the cosines

  Json toJson() const;
  /// Strict, but for a member `measured`, which is for people. Error: Malformed.
  static Result<SkipPolicy> parse(std::string_view text, std::string_view source);

  /// Error (Malformed) when the policy is for a model of another shape or with other weights. `source` names the
  /// policy in messages.
  Status checkModel(std::string_view sha256, int64_t layers, int64_t hiddenSize, std::string_view source) const;
};

} // namespace yoke
