// One iteration of a whole model: every request of a batch gets its next token (or its prompt's next piece).
//
// With p pipeline stages the batch is dealt out to p micro-batches, so that all stages are at work; an iteration is the
// time between two tokens of a request.
#pragma once

#include "Simulator/Simulate.h"
#include "Support/Json.h"

namespace yoke::sim {

struct Iteration {
  double seconds = 0, tokensPerSecond = 0;
  double energyJoules = 0;                                                                  ///< all devices
  double npuUtilisation = 0, pimUtilisation = 0, bandwidthUtilisation = 0, roofPercent = 0; ///< of a stage at work
  double linkSeconds = 0; ///< all-reduces that nothing hides, and hops between stages
  double headSeconds = 0;
  int64_t rows = 0, microBatches = 1, devices = 1, simulatedCycles = 0;
  Simulation block; ///< of the heaviest micro-batch
  std::vector<OpShare> breakdown;
};

/// `outputs` rows go through the head (0: none, a piece of a prompt). Errors: those of simulateBlock.
Result<Iteration> simulateIteration(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                    int64_t outputs, const SimulateOptions &options);

/// `more` times `factor` added to `breakdown`, by op and resource.
void addScaled(std::vector<OpShare> &breakdown, const std::vector<OpShare> &more, double factor);

Json toJson(const Iteration &iteration, Mode mode, const ModelShape &model);

/// Chrome trace events of spans: one process, a thread an engine, a thread a channel.
std::string chromeTrace(const std::vector<Span> &spans, double cyclesPerMicrosecond);

} // namespace yoke::sim
