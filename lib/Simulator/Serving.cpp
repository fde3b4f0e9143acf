#include "Simulator/Serving.h"

#include "Simulator/Schedule.h"

#include <cmath>
#include <deque>

namespace yoke::sim {
namespace {

/// Tokens of keys and values that fit, in places: one a channel where requests live in channels, otherwise one.
class KeyValueMemory {
public:
  static Result<KeyValueMemory> create(const System &system, const ModelShape &model) {
    const Target &target = system.target;
    bool gpu = system.options.mode == Mode::Gpu;
    double element = gpu ? 2 : double(target.npu->elementBytes);
    double capacity = gpu ? target.gpu->capacityBytes : double(target.memory->capacityBytes());
    double weights =
        element * double(model.blockWeights() * model.layersPerStage() + 2 * model.width * model.vocabularyPerDevice());
    double perToken = 2 * element * double(model.keyWidth() * model.layersPerStage());
    if (weights >= capacity)
      return failed("{}: the weights of {} take {:.1f} GB of each device's {:.1f} GB", target.name, model.name,
                    weights / 1e9, capacity / 1e9);
    bool byChannel = target.pim && !gpu && system.options.mode != Mode::Npu;
    size_t places = byChannel ? size_t(target.memory->channels) : 1;
    return KeyValueMemory(places, int64_t((capacity - weights) / perToken / double(places)));
  }

  bool fits(size_t place, int64_t tokens) const { return used[place] + tokens <= tokensPerPlace; }
  void take(size_t place, int64_t tokens) {
    used[place] += tokens;
    total += tokens;
    peak = std::max(peak, total);
  }
  void release(size_t place, int64_t tokens) {
    used[place] -= tokens;
    total -= tokens;
  }
  size_t places() const { return used.size(); }
  int64_t capacityOfPlace() const { return tokensPerPlace; }
  double peakShare() const { return double(peak) / double(tokensPerPlace * int64_t(used.size())); }

private:
  KeyValueMemory(size_t places, int64_t tokens) : used(places, 0), tokensPerPlace(tokens) {}
  std::vector<int64_t> used;
  int64_t tokensPerPlace, total = 0, peak = 0;
};

class Server {
public:
  Server(const System &system, const ModelShape &model, const std::vector<Arrival> &arrivals,
         const ServingOptions &options, KeyValueMemory memory)
      : system(system), model(model), arrivals(arrivals), options(options), memory(std::move(memory)),
        costs(system, model), channelLoad(this->memory.places(), 0) {
    rowsPerStep = options.prefillTokens;
    if (!rowsPerStep)
      rowsPerStep = system.target.npu ? std::min<int64_t>(2048, largestStep(system.target, model)) : 2048;
  }

  Result<ServingResult> run();

private:
  struct Sequence {
    size_t index;
    int64_t length = 0;   ///< tokens whose keys are in memory
    int64_t prompt = 0;   ///< tokens to compute before the next one is generated
    int64_t produced = 0; ///< tokens generated
    size_t place = 0;
    int64_t order = 0; ///< of admission
    int64_t load = 0;  ///< that its channel was charged
  };

  void admit();
  Status prefillStep();
  Status decodeStep();
  bool makeRoom(size_t &at);
  void tokenDone(Sequence &sequence);
  void leave(Sequence &sequence);
  void spend(const StepCost &cost);
  Status checkInterpolation();
  int64_t attention(int64_t length) const {
    return system.target.memory ? estimateAttention(model, system.target, length) : length;
  }

  const System &system;
  const ModelShape &model;
  const std::vector<Arrival> &arrivals;
  const ServingOptions options;
  KeyValueMemory memory;
  StepCosts costs;
  std::vector<int64_t> channelLoad;
  std::deque<Sequence> waiting;
  std::vector<Sequence> running;
  size_t arrived = 0;
  int64_t rowsPerStep, admissions = 0;
  double now = 0;
  std::vector<double> firstTokens, tokenTimes, totals;
  std::vector<double> firstTokenAt;
  std::vector<std::pair<std::vector<Request>, double>> samples; ///< decode steps and their interpolated times
  ServingResult result;
};

void Server::spend(const StepCost &cost) {
  now += cost.seconds;
  result.busySeconds += cost.seconds;
  result.total.add(cost, 1);
}

void Server::admit() {
  for (; arrived < arrivals.size() && arrivals[arrived].seconds <= now; ++arrived) {
    waiting.push_back({arrived});
    waiting.back().prompt = arrivals[arrived].inputTokens;
  }
  while (!waiting.empty() && int64_t(running.size()) < options.maxBatch) {
    Sequence sequence = waiting.front();
    size_t place = size_t(std::min_element(channelLoad.begin(), channelLoad.end()) - channelLoad.begin());
    for (size_t other = 0; other < channelLoad.size() && !memory.fits(place, sequence.prompt + 1); ++other)
      place = other;
    if (!memory.fits(place, sequence.prompt + 1))
      break;
    waiting.pop_front();
    sequence.place = place;
    sequence.order = admissions++;
    memory.take(place, sequence.prompt);
    sequence.load = attention(sequence.prompt);
    channelLoad[place] += sequence.load;
    running.push_back(sequence);
  }
}

void Server::leave(Sequence &sequence) {
  memory.release(sequence.place, sequence.length + sequence.prompt);
  channelLoad[sequence.place] -= sequence.load;
}

void Server::tokenDone(Sequence &sequence) {
  const Arrival &arrival = arrivals[sequence.index];
  if (++sequence.produced == 1 && firstTokenAt[sequence.index] < 0) {
    firstTokenAt[sequence.index] = now;
    firstTokens.push_back(now - arrival.seconds);
  }
  if (sequence.produced < arrival.outputTokens)
    return;
  totals.push_back(now - arrival.seconds);
  if (arrival.outputTokens > 1)
    tokenTimes.push_back((now - firstTokenAt[sequence.index]) / double(arrival.outputTokens - 1));
}

Status Server::prefillStep() {
  int64_t rows = 0;
  double pairs = 0;
  std::vector<std::pair<size_t, int64_t>> pieces;
  for (size_t i = 0; i < running.size() && rows < rowsPerStep; ++i) {
    Sequence &sequence = running[i];
    int64_t piece = std::min(sequence.prompt, rowsPerStep - rows);
    if (piece == 0)
      continue;
    rows += piece;
    pairs += double(piece) * (double(sequence.length) + double(piece + 1) / 2);
    pieces.emplace_back(i, piece);
  }
  spend(YOKE_TRY(costs.prefill(rows, pairs)));
  ++result.prefillSteps;
  for (auto [i, piece] : pieces) {
    running[i].length += piece;
    running[i].prompt -= piece;
    if (running[i].prompt == 0)
      tokenDone(running[i]);
  }
  return {};
}

/// Room for one more token of the sequence at `at`; younger ones of its place give up theirs, at last it itself does.
bool Server::makeRoom(size_t &at) {
  while (!memory.fits(running[at].place, 1)) {
    size_t victim = at;
    for (size_t i = 0; i < running.size(); ++i)
      if (running[i].place == running[at].place && running[i].order > running[victim].order)
        victim = i;
    Sequence sequence = running[victim];
    leave(sequence);
    sequence.prompt += sequence.length;
    sequence.length = 0;
    waiting.push_front(sequence);
    ++result.preemptions;
    running.erase(running.begin() + int64_t(victim));
    if (victim == at)
      return false;
    at -= victim < at;
  }
  return true;
}

Status Server::decodeStep() {
  for (size_t i = 0; i < running.size();) {
    if (!makeRoom(i))
      continue;
    memory.take(running[i].place, 1);
    ++running[i].length;
    ++i;
  }
  std::vector<Request> batch;
  for (const Sequence &sequence : running)
    batch.push_back({sequence.length, memory.places() > 1 ? int32_t(sequence.place) : -1});
  if (batch.empty())
    return {};
  StepCost cost = YOKE_TRY(costs.decode(batch));
  spend(cost);
  result.meanBatch += double(batch.size());
  int64_t number = result.decodeSteps++;
  uint64_t draw = uint64_t(number + 1) * 0x9e3779b97f4a7c15 >> 20; // reservoir of equally likely steps
  if (int64_t(samples.size()) < options.checkedSteps)
    samples.emplace_back(batch, cost.seconds);
  else if (int64_t slot = int64_t(draw % uint64_t(number + 1)); slot < options.checkedSteps)
    samples[size_t(slot)] = {batch, cost.seconds};
  for (Sequence &sequence : running)
    tokenDone(sequence);
  return {};
}

Status Server::checkInterpolation() {
  for (const auto &[batch, seconds] : samples) {
    StepCost exact = YOKE_TRY(costs.exact(batch, int64_t(batch.size())));
    double deviation = std::abs(seconds / exact.seconds - 1);
    result.meanDeviation += deviation / double(samples.size());
    result.worstDeviation = std::max(result.worstDeviation, deviation);
  }
  return {};
}

Result<ServingResult> Server::run() {
  firstTokenAt.assign(arrivals.size(), -1);
  for (const Arrival &arrival : arrivals) {
    int64_t tokens = arrival.inputTokens + arrival.outputTokens;
    if (tokens > memory.capacityOfPlace())
      return failed("{}: a request of {} tokens is more than the {} whose keys and values fit in {}",
                    system.target.name, tokens, memory.capacityOfPlace(), memory.places() > 1 ? "a channel" : "memory");
    result.inputTokens += arrival.inputTokens;
    result.outputTokens += arrival.outputTokens;
  }
  result.requests = int64_t(arrivals.size());
  while (int64_t(totals.size()) < result.requests) {
    admit();
    if (running.empty()) {
      now = std::max(now, arrivals[arrived].seconds);
      continue;
    }
    bool prompts = std::any_of(running.begin(), running.end(), [](const Sequence &s) { return s.prompt > 0; });
    YOKE_TRY(prompts ? prefillStep() : decodeStep());
    std::erase_if(running, [&](Sequence &sequence) {
      if (sequence.produced < arrivals[sequence.index].outputTokens)
        return false;
      leave(sequence);
      return true;
    });
  }
  result.seconds = now - arrivals.front().seconds;
  result.meanBatch /= double(std::max<int64_t>(1, result.decodeSteps));
  result.peakKeyValueShare = memory.peakShare();
  result.firstToken = percentilesOf(firstTokens);
  result.perToken = percentilesOf(tokenTimes);
  result.endToEnd = percentilesOf(totals);
  result.simulatedSteps = costs.simulatedSteps();
  YOKE_TRY(checkInterpolation());
  return result;
}

Json percentilesJson(const Percentiles &p) {
  return {{"mean", p.mean}, {"p50", p.p50}, {"p90", p.p90}, {"p99", p.p99}};
}

} // namespace

Percentiles percentilesOf(std::vector<double> values) {
  if (values.empty())
    return {};
  std::sort(values.begin(), values.end());
  auto rank = [&](double share) {
    return values[std::min(values.size() - 1, size_t(std::ceil(share * double(values.size()))) - 1)];
  };
  Percentiles result{0, rank(0.5), rank(0.9), rank(0.99)};
  for (double value : values)
    result.mean += value / double(values.size());
  return result;
}

Result<ServingResult> simulateServing(const System &system, const ModelShape &model,
                                      const std::vector<Arrival> &arrivals, const ServingOptions &options) {
  KeyValueMemory memory = YOKE_TRY(KeyValueMemory::create(system, model));
  return Server(system, model, arrivals, options, std::move(memory)).run();
}

Json toJson(const ServingResult &result, const System &system) {
  Json breakdown = Json::object();
  for (const OpShare &share : result.total.ops)
    breakdown[share.op] = breakdown.value(share.op, 0.0) + share.seconds;
  double busy = std::max(result.busySeconds, 1e-30);
  return {{"mode", system.name},
          {"system", system.target.name},
          {"requests", result.requests},
          {"input_tokens", result.inputTokens},
          {"output_tokens", result.outputTokens},
          {"iterations", result.decodeSteps + result.prefillSteps},
          {"prefill_iterations", result.prefillSteps},
          {"preemptions", result.preemptions},
          {"time_s", result.seconds},
          {"busy_s", result.busySeconds},
          {"cycles", int64_t(result.busySeconds * (system.target.npu ? system.target.npu->clockMHz * 1e6 : 1e9))},
          {"tokens_per_s", double(result.outputTokens) / result.seconds},
          {"requests_per_s", double(result.requests) / result.seconds},
          {"mean_batch", result.meanBatch},
          {"peak_kv_share", result.peakKeyValueShare},
          {"time_to_first_token_s", percentilesJson(result.firstToken)},
          {"time_per_output_token_s", percentilesJson(result.perToken)},
          {"latency_s", percentilesJson(result.endToEnd)},
          {"npu_utilisation", result.total.npuSeconds / busy},
          {"pim_utilisation", result.total.pimSeconds / busy},
          {"bandwidth_utilisation", result.total.memorySeconds / busy},
          {"energy_j", result.total.joules},
          {"energy_per_token_j", result.total.joules / double(result.outputTokens)},
          {"limit", limitingResource(result.total.ops)},
          {"breakdown", breakdown},
          {"simulated_steps", result.simulatedSteps},
          {"interpolation_error_mean", result.meanDeviation},
          {"interpolation_error_worst", result.worstDeviation}};
}

} // namespace yoke::sim
