#include "Simulator/StepCosts.h"

#include <bit>
#include <cmath>

namespace yoke::sim {
namespace {

/// The grid of lengths and key counts: 2^(step / 2).
int64_t lengthOfStep(int64_t step) { return std::max<int64_t>(1, std::llround(std::exp2(double(step) / 2))); }
int64_t stepBelow(double length) {
  return std::max<int64_t>(0, int64_t(std::floor(2 * std::log2(std::max(1.0, length)) + 1e-9)));
}

/// `at(lower)` and `at(upper)`, mixed; the upper one is not asked for where it has no weight.
template <class At, class Place> Result<StepCost> mix(At at, Place lower, Place upper, double weight) {
  StepCost cost;
  cost.add(YOKE_TRY(at(lower)), 1 - weight);
  if (weight > 0)
    cost.add(YOKE_TRY(at(upper)), weight);
  return cost;
}

/// Between two lengths of the grid, of which `point` gives the costs.
template <class Point> Result<StepCost> betweenSteps(double length, Point point) {
  int64_t below = stepBelow(length);
  double low = double(lengthOfStep(below)), high = double(lengthOfStep(below + 1));
  double weight = high > low ? std::clamp((length - low) / (high - low), 0.0, 1.0) : 0;
  return mix([&](int64_t step) -> Result<StepCost> { return *YOKE_TRY(point(step)); }, below, below + 1, weight);
}

} // namespace

void StepCost::add(const StepCost &other, double weight) {
  seconds += weight * other.seconds;
  joules += weight * other.joules;
  npuSeconds += weight * other.npuSeconds;
  pimSeconds += weight * other.pimSeconds;
  memorySeconds += weight * other.memorySeconds;
  addScaled(ops, other.ops, weight);
}

bool StepCosts::onPim() const {
  Mode mode = system.options.mode;
  return mode == Mode::NpuPim || mode == Mode::NeuPims || (mode == Mode::Yoke && system.target.pim);
}

double StepCosts::load(const std::vector<Request> &batch) const {
  double total = 0;
  if (!onPim()) {
    for (const Request &request : batch)
      total += double(model.visible(request.length));
    return total;
  }
  std::vector<double> channels(size_t(system.target.memory->channels), 0);
  for (const Request &request : batch)
    channels[size_t(std::max(0, request.channel))] +=
        double(estimateAttention(model, system.target, model.visible(request.length)));
  return *std::max_element(channels.begin(), channels.end());
}

double StepCosts::loadOfEqual(int64_t batch, int64_t length) const {
  if (!onPim())
    return double(batch * model.visible(length));
  int64_t channels = system.target.memory->channels;
  return double((batch + channels - 1) / channels * estimateAttention(model, system.target, model.visible(length)));
}

/// The length at which `batch` equal requests have the load; between whole lengths by interpolation.
double StepCosts::lengthOfEqual(int64_t batch, double load) const {
  int64_t low = 1, high = 1 << 20;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (loadOfEqual(batch, middle) >= load)
      high = middle;
    else
      low = middle + 1;
  }
  return double(low);
}

Result<StepCost> StepCosts::exact(const std::vector<Request> &batch, int64_t outputs) {
  ++simulated;
  Iteration iteration = YOKE_TRY(simulateIteration(system.target, model, batch, outputs, system.options));
  StepCost cost;
  cost.seconds = iteration.seconds;
  cost.joules = iteration.energyJoules;
  cost.npuSeconds = iteration.npuUtilisation * iteration.seconds;
  cost.pimSeconds = iteration.pimUtilisation * iteration.seconds;
  cost.memorySeconds = iteration.bandwidthUtilisation * iteration.seconds;
  cost.ops = iteration.breakdown;
  return cost;
}

Result<const StepCost *> StepCosts::remember(std::map<Key, StepCost> &points, Key key,
                                             const std::vector<Request> &batch, int64_t outputs) {
  auto found = points.find(key);
  if (found == points.end())
    found = points.emplace(key, YOKE_TRY(exact(batch, outputs))).first;
  return &found->second;
}

Result<const StepCost *> StepCosts::decodePoint(int64_t batch, int64_t step) {
  return remember(decodePoints, {batch, step}, std::vector<Request>(size_t(batch), {lengthOfStep(step)}), batch);
}

Result<StepCost> StepCosts::decodeAt(int64_t batch, double length) {
  return betweenSteps(length, [&](int64_t step) { return decodePoint(batch, step); });
}

Result<StepCost> StepCosts::decode(const std::vector<Request> &batch) {
  int64_t count = int64_t(batch.size()), low = int64_t(std::bit_floor(uint64_t(count)));
  if (system.options.mode == Mode::Gpu)
    return exact(batch, count);
  double heaviest = load(batch);
  auto at = [&](int64_t size) { return decodeAt(size, lengthOfEqual(size, heaviest)); };
  return mix(at, low, 2 * low, double(count - low) / double(low));
}

/// `rows` new tokens that see 2^(step / 2) keys on average: a piece of a long prompt, or several short prompts.
Result<const StepCost *> StepCosts::prefillPoint(int64_t rows, int64_t step) {
  int64_t keys = lengthOfStep(step);
  std::vector<Request> batch;
  if (2 * keys - 1 >= rows)
    batch.push_back({keys + (rows - 1) / 2, -1, rows});
  else
    for (int64_t left = rows; left > 0; left -= std::min(left, 2 * keys - 1)) {
      int64_t length = std::min(left, 2 * keys - 1);
      batch.push_back({length, -1, length});
    }
  return remember(prefillPoints, {rows, step}, batch, 1);
}

Result<StepCost> StepCosts::prefillAt(int64_t rows, double keys) {
  return betweenSteps(keys, [&](int64_t step) { return prefillPoint(rows, step); });
}

Result<StepCost> StepCosts::prefill(int64_t rows, double pairs) {
  int64_t low = int64_t(std::bit_floor(uint64_t(rows)));
  double keys = pairs / double(rows);
  return mix([&](int64_t size) { return prefillAt(size, keys); }, low, 2 * low, double(rows - low) / double(low));
}

} // namespace yoke::sim
