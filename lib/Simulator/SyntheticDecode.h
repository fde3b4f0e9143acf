// Decoding with drafts of a given quality: how many rows a step has and how many tokens it yields.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace yoke::sim {

struct SyntheticDecode {
  int64_t tokens = 0; ///< depth of the draft
  int64_t width = 1;  ///< guesses of each depth
  /// Of each depth: the share of steps in which all guesses up to there are accepted, as vLLM's
  /// `synthetic_acceptance_rates` and llama.cpp's synthetic rates.
  std::vector<double> rates;

  /// Rows of a request in a step: the token that is certain, and the guesses.
  int64_t rows() const { return 1 + tokens * width; }
  /// Tokens that a step yields on average, the one after the accepted ones included.
  double acceptedLength() const;
};

/// `synthetic:` and a list of `tokens=K` with `length=L` (in [1, K + 1]: as many depths as possible are always
/// accepted, the next one with what remains), `rate=P` (each guess, given that those before it are accepted), or
/// `rates=R1/R2/...` (as in `rates`, not increasing; K is their number); optionally `width=W`. At most 1024 rows.
/// Error (Usage): names the key and the rule.
Result<SyntheticDecode> parseSyntheticDecode(std::string_view text);

} // namespace yoke::sim
