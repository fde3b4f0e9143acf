#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <string_view>

namespace yoke {

/// Beam search. Names and meanings are those of transformers' GenerationConfig; groups and diversity are those of
/// diverse beam search (Vijayakumar et al., "Diverse Beam Search", 2016).
struct BeamOptions {
  int32_t width = 4;        ///< beams of all groups together
  int32_t groups = 1;       ///< divides width
  double diversity = 0;     ///< taken off a token's log-probability for each beam of an earlier group that chose it now
  double lengthPenalty = 1; ///< a finished text's score is its log-probability divided by length^lengthPenalty
  bool earlyStopping = false; ///< stop as soon as there are `width` finished texts
  int32_t returned = 1;       ///< texts returned, best first; at most width

  static constexpr int32_t widthLimit = 256;

  static bool names(std::string_view spec) { return spec == "beam" || spec.starts_with("beam:"); }
  /// Reads beam[:KEY=VALUE,...] with the keys width, groups, diversity, length-penalty, early-stopping (true or false)
  /// and return. Errors: Usage.
  static Result<BeamOptions> parse(std::string_view spec);
};

} // namespace yoke
