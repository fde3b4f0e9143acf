// Lengths of requests like those of the data sets that serving is measured with, drawn from their published statistics.
#pragma once

#include "Simulator/Workload.h"

namespace yoke::sim {

struct Arrival {
  double seconds = 0;
  int64_t inputTokens, outputTokens;
};

/// Quantiles and mean of a length in tokens.
struct LengthStatistics {
  double p50, p90, p99, longest, mean;
};

/// A distribution of lengths: above the median the inverse of its cumulative distribution function is exponential
/// between the quantiles; below it lengths grow as a power, whose exponent gives the distribution the mean where one in
/// [0.2, 5] does (otherwise the mean is up to 5 % too large).
class LengthDistribution {
public:
  explicit LengthDistribution(const LengthStatistics &statistics);
  /// `u` in [0, 1).
  int64_t quantile(double u) const;

private:
  LengthStatistics statistics;
  double exponent;
};

struct Dataset {
  std::string_view name;
  LengthStatistics input, output;
};

/// sharegpt, alpaca. Error: Usage.
Result<Dataset> findDataset(std::string_view name);

/// `count` requests, arriving as a Poisson process of `rate` a second (0: all at once). The same seed gives the same.
std::vector<Arrival> drawRequests(const Dataset &dataset, int64_t count, double rate, uint64_t seed);

/// The lengths in a batch that has been served for long, its finished requests replaced by new ones: requests are found
/// in it in proportion to the tokens they generate, at any of these tokens.
std::vector<Request> drawSteadyBatch(const Dataset &dataset, int64_t count, uint64_t seed);

/// JSON objects, one a line: `input_tokens`, `output_tokens`, optional `arrival_s`. Error (Malformed).
Result<std::vector<Arrival>> parseRequests(std::string_view text, std::string_view source);

} // namespace yoke::sim
