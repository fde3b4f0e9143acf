#include "Simulator/Dataset.h"

#include "Support/Json.h"

#include <cmath>
#include <tuple>

namespace yoke::sim {
namespace {

constexpr double maxLength = 2048; // as in the published traces
constexpr size_t maxRequests = 1 << 16;

constexpr Dataset datasets[] = {
    {"sharegpt", {17, 118, 1267, maxLength, 80.3}, {261, 576, 960, maxLength, 295.0}},
    {"alpaca", {11, 17, 27, 99, 12.13}, {40, 122, 248, 1005, 55.8}},
};

/// SplitMix64: a small generator whose streams are the same everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  /// In [0, 1).
  double uniform() {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return double((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

private:
  uint64_t state;
};

} // namespace

LengthDistribution::LengthDistribution(const LengthStatistics &statistics) : statistics(statistics) {
  const LengthStatistics &s = statistics;
  auto mean = [](double low, double high) { return (high - low) / std::log(high / low); };
  double upper = 0.4 * mean(s.p50, s.p90) + 0.09 * mean(s.p90, s.p99) + 0.01 * mean(s.p99, s.longest);
  // Below the median the mean of 1 + (p50 - 1) t^k is 1 + (p50 - 1) / (k + 1).
  double lower = (s.mean - upper) / 0.5;
  exponent = std::clamp((s.p50 - 1) / std::max(lower - 1, 1e-3) - 1, 0.2, 5.0);
}

int64_t LengthDistribution::quantile(double u) const {
  const LengthStatistics &s = statistics;
  auto between = [&](double low, double high, double from, double to) {
    return low * std::pow(high / low, (u - from) / (to - from));
  };
  double length = u < 0.5    ? 1 + (s.p50 - 1) * std::pow(u / 0.5, exponent)
                  : u < 0.9  ? between(s.p50, s.p90, 0.5, 0.9)
                  : u < 0.99 ? between(s.p90, s.p99, 0.9, 0.99)
                             : between(s.p99, s.longest, 0.99, 1);
  return std::max<int64_t>(1, std::llround(length));
}

Result<Dataset> findDataset(std::string_view name) {
  for (const Dataset &dataset : datasets)
    if (dataset.name == name)
      return dataset;
  return usageError("unknown data set {}; known are sharegpt, alpaca", name);
}

std::vector<Arrival> drawRequests(const Dataset &dataset, int64_t count, double rate, uint64_t seed) {
  Random random(seed);
  LengthDistribution input(dataset.input), output(dataset.output);
  std::vector<Arrival> requests;
  double now = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (rate > 0)
      now += -std::log1p(-random.uniform()) / rate;
    int64_t inputs = input.quantile(random.uniform());
    requests.push_back({now, inputs, output.quantile(random.uniform())});
  }
  return requests;
}

std::vector<Request> drawSteadyBatch(const Dataset &dataset, int64_t count, uint64_t seed) {
  Random random(seed);
  LengthDistribution input(dataset.input), output(dataset.output);
  std::vector<Request> batch;
  while (int64_t(batch.size()) < count) {
    int64_t prompt = input.quantile(random.uniform()), tokens = output.quantile(random.uniform());
    if (random.uniform() * dataset.output.longest > double(tokens))
      continue; // long requests stay longer
    int64_t length = prompt + 1 + int64_t(random.uniform() * double(tokens));
    batch.push_back({std::min(length, int64_t(maxLength))});
  }
  return batch;
}

Result<std::vector<Arrival>> parseRequests(std::string_view text, std::string_view source) {
  constexpr int64_t longest = 1 << 20;
  std::vector<Arrival> requests;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos)
      continue;
    std::string where = fmt::format("{}: line {}", source, number);
    Json json = YOKE_TRY(parseJson(line, where));
    JsonObject object = YOKE_TRY(JsonObject::from(json, where));
    YOKE_TRY(object.expectOnly({"input_tokens", "output_tokens", "arrival_s"}));
    Arrival request;
    request.inputTokens = YOKE_TRY(object.integer("input_tokens", 1, longest));
    request.outputTokens = YOKE_TRY(object.integer("output_tokens", 1, longest));
    request.seconds = YOKE_TRY(object.number("arrival_s", 0, 1e9, 0));
    requests.push_back(request);
    if (requests.size() > maxRequests)
      return malformed("{}: violates requests <= {}", source, maxRequests);
  }
  if (requests.empty())
    return malformed("{}: expected at least one request", source);
  std::sort(requests.begin(), requests.end(), [](const Arrival &a, const Arrival &b) {
    return std::tie(a.seconds, a.inputTokens, a.outputTokens) < std::tie(b.seconds, b.inputTokens, b.outputTokens);
  });
  return requests;
}

} // namespace yoke::sim
