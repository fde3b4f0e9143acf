// Serving of requests that arrive over time: continuous batching on one instance of a model.
//
// After every step finished requests leave and waiting ones enter, as far as the batch and the memory of keys and
// values allow; prompts go first. A request that finds no room for its next token makes the youngest one of its channel
// give its keys up; that one waits again and computes them anew.
#pragma once

#include "Simulator/Dataset.h"
#include "Simulator/StepCosts.h"

namespace yoke::sim {

struct ServingOptions {
  int64_t maxBatch = 256;
  int64_t prefillTokens = 0; ///< new tokens of a prompt step at most; 0: what leaves half the scratchpad, at most 2048
  int64_t checkedSteps = 4;  ///< decode steps that are simulated after all, to know the error of interpolation
};

struct Percentiles {
  double mean = 0, p50 = 0, p90 = 0, p99 = 0;
};
Percentiles percentilesOf(std::vector<double> values);

struct ServingResult {
  int64_t requests = 0, inputTokens = 0, outputTokens = 0;
  int64_t decodeSteps = 0, prefillSteps = 0, preemptions = 0, simulatedSteps = 0;
  double seconds = 0; ///< from the first arrival to the last token
  double busySeconds = 0;
  double meanBatch = 0;         ///< of decode steps
  double peakKeyValueShare = 0; ///< of the memory for keys and values
  Percentiles firstToken, perToken, endToEnd;
  StepCost total;
  double meanDeviation = 0, worstDeviation = 0; ///< of interpolated against simulated time
};

/// Error (Failed): a request that memory can never hold; errors of the simulation.
Result<ServingResult> simulateServing(const System &system, const ModelShape &model,
                                      const std::vector<Arrival> &arrivals, const ServingOptions &options);

Json toJson(const ServingResult &result, const System &system);

} // namespace yoke::sim
