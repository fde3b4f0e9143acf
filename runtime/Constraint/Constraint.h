// What a text may go on with: the one interface of patterns, JSON schemas and corpora.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <span>

namespace yoke {

/// A set of texts, walked token by token. States are small numbers that can be kept and returned to, so that branches
/// of a draft tree and beams each carry one. Not thread-safe.
class Constraint {
public:
  using State = int32_t;
  static constexpr State start = 0;

  virtual ~Constraint() = default;
  /// Bit t of word t / 64 is set when token t may come next. End tokens are not among them. Valid until the next call.
  /// Error: Resources (too many states).
  virtual Result<std::span<const uint64_t>> allowed(State state) = 0;
  /// The state after a token that `allowed` permits.
  virtual State next(State state, int32_t token) = 0;
  /// Whether the text may end here.
  virtual bool mayEnd(State state) = 0;
};

/// Gives tokens that are not allowed a logit of minus infinity. `endTokens` stay where the text may end. Returns
/// whether any token is left. Errors: those of `allowed`.
Result<bool> maskLogits(Constraint &constraint, Constraint::State state, std::span<float> logits,
                        std::span<const int32_t> endTokens);

} // namespace yoke
