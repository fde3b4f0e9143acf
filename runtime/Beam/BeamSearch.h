#pragma once

#include "runtime/Beam/BeamGroup.h"
#include "runtime/Generator.h"

#include <atomic>

namespace yoke {

struct BeamResult {
  std::vector<Hypothesis> hypotheses; ///< best first; at least one unless cancelled
  GenerateStats stats;
  bool cancelled = false;
};

/// Pages that beams need in the worst case, as KV slots.
int64_t beamSlots(const Model &model, int64_t promptTokens, int64_t newTokens, const BeamOptions &options);

/// The most probable continuations of a prompt. All beams of all groups are one step's rows; they share the pages of
/// what they have in common. Log-probabilities go through the request's logit processors, as in transformers; its stop
/// strings and sampling are not used. Errors: as Generation::create; Usage (more beams than rows of a step); Resources;
/// Failed (NaN).
Result<BeamResult> beamSearch(Session &session, const GenerateRequest &request, const BeamOptions &options,
                              const std::atomic<bool> *cancelled = nullptr);

} // namespace yoke
