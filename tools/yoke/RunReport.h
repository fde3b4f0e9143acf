#pragma once

#include "runtime/Beam/BeamSearch.h"
#include "runtime/ConditionalStats.h"

namespace yoke::cli {

/// How guesses were made.
struct SpeculationReport {
  std::string drafter;
  double plainStepSeconds; ///< of a step without guesses, as measured before the generation
};

/// What `yoke run` says about a finished generation.
struct RunReport {
  std::vector<int32_t> promptTokens;
  uint64_t seed = 0;
  bool withLogprobs = false;
  std::optional<SpeculationReport> speculation;
  std::string simulated; ///< what a simulated device did, a JSON object; empty: there was none
  GenerateResult result;
  ConditionalStats conditional;
  std::vector<Hypothesis> beams; ///< of beam search; the first is the result

  /// One object on one line.
  std::string json(const Model &model) const;
  /// One line for people.
  std::string summary(const Model &model) const;
};

} // namespace yoke::cli
