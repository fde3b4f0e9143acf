#include "Simulator/Iteration.h"

#include "Simulator/Schedule.h"

#include <map>

namespace yoke::sim {
namespace {

/// The heaviest of the micro-batches that the requests are dealt out to, channel by channel.
std::vector<Request> heaviestPart(std::vector<Request> batch, const Target &target, const ModelShape &model,
                                  int64_t parts, Mode mode) {
  if (parts == 1)
    return batch;
  if (target.memory && mode != Mode::NpuPim) { // the naive system deals requests out in turn
    placeRequests(batch, model, target, Placement::AsGiven);
    batch = byChannel(batch, target.memory->channels);
  }
  std::vector<std::vector<Request>> dealt{size_t(parts)};
  std::vector<int64_t> weight(size_t(parts), 0);
  for (size_t i = 0; i < batch.size(); ++i) {
    dealt[i % size_t(parts)].push_back(batch[i]);
    weight[i % size_t(parts)] += batch[i].length;
  }
  return dealt[size_t(std::max_element(weight.begin(), weight.end()) - weight.begin())];
}

} // namespace

void addScaled(std::vector<OpShare> &breakdown, const std::vector<OpShare> &more, double factor) {
  for (const OpShare &share : more) {
    auto same = std::find_if(breakdown.begin(), breakdown.end(), [&](const OpShare &other) {
      return other.op == share.op && other.resource == share.resource;
    });
    if (same == breakdown.end())
      breakdown.push_back({share.op, share.resource, share.seconds * factor});
    else
      same->seconds += share.seconds * factor;
  }
}

Result<Iteration> simulateIteration(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                    int64_t outputs, const SimulateOptions &options) {
  YOKE_TRY(checkParallelism(model));
  if (model.tensorParallel * model.pipelineParallel > 1 && !target.link)
    return usageError("{}: {} devices need a link", target.name, model.tensorParallel * model.pipelineParallel);
  Iteration result;
  int64_t stages = model.pipelineParallel;
  result.devices = stages * model.tensorParallel;
  result.microBatches = std::min<int64_t>(stages, int64_t(batch.size()));
  std::vector<Request> part = heaviestPart(batch, target, model, result.microBatches, options.mode);
  result.rows = rowsOf(batch);
  result.block = YOKE_TRY(simulateBlock(target, model, part, options));
  result.simulatedCycles = result.block.simulatedCycles;

  double layers = double(model.layers), rows = double(rowsOf(part)), parts = double(result.microBatches);
  double stageLayers = double(model.layersPerStage());
  double bytes = 2 * rows * double(model.width), reduce = 0, hop = 0;
  if (model.tensorParallel > 1 && !result.block.linksInside)
    reduce = 2 * allReduceSeconds(*target.link, model.tensorParallel, bytes);
  if (stages > 1)
    hop = target.link->latency + bytes / double(model.tensorParallel) / target.link->bandwidth;
  Simulation head;
  if (outputs > 0) {
    int64_t share = (outputs + result.microBatches - 1) / result.microBatches;
    head = YOKE_TRY(simulateHead(target, model, share, options.mode));
    result.headSeconds = head.seconds;
    result.simulatedCycles += head.simulatedCycles;
  }
  // A request waits for all stages, and the last stage serves all micro-batches.
  double block = result.block.seconds + reduce;
  double through = layers * block + double(stages - 1) * hop + head.seconds;
  double last = parts * (stageLayers * block + hop * (stages > 1) + head.seconds);
  bool throughput = last > through;
  result.seconds = std::max(through, last);
  double blocks = throughput ? parts * stageLayers : layers, heads = throughput ? parts : 1;
  double hops = throughput ? parts : double(stages - 1);
  addScaled(result.breakdown, result.block.breakdown, blocks);
  addScaled(result.breakdown, head.breakdown, heads);
  result.linkSeconds = blocks * reduce + hops * hop;
  if (result.linkSeconds > 0)
    addScaled(result.breakdown, {{"link", "link", 1}}, result.linkSeconds);
  result.tokensPerSecond = double(outputs) / result.seconds;
  result.energyJoules = parts * double(model.tensorParallel) * (layers * result.block.energyJoules + head.energyJoules);
  double working = layers * result.block.seconds / result.seconds;
  double heading = head.seconds / result.seconds;
  auto mix = [&](double Simulation::*field) { return working * result.block.*field + heading * head.*field; };
  result.npuUtilisation = mix(&Simulation::npuUtilisation);
  result.pimUtilisation = mix(&Simulation::pimUtilisation);
  result.bandwidthUtilisation = mix(&Simulation::bandwidthUtilisation);
  result.roofPercent = mix(&Simulation::roofPercent);
  return result;
}

Json toJson(const Iteration &iteration, Mode mode, const ModelShape &model) {
  const Simulation &block = iteration.block;
  Json stages = Json::object(), breakdown = Json::object(), operations = Json::array();
  for (const auto &[name, cycles] : block.stages)
    stages[name] = cycles;
  std::map<std::string, double> classes;
  for (const OpShare &share : iteration.breakdown) {
    classes[share.op] += share.seconds;
    operations.push_back({{"op", share.op}, {"resource", share.resource}, {"time_s", share.seconds}});
  }
  for (const auto &[name, seconds] : classes)
    breakdown[name] = seconds;
  double tokens = iteration.tokensPerSecond * iteration.seconds;
  return {{"mode", modeName(mode)},
          {"plan", block.plan},
          {"interleaved", block.interleaved},
          {"iterations", 1},
          {"devices", iteration.devices},
          {"micro_batches", iteration.microBatches},
          {"cycles_per_block", block.cyclesPerBlock},
          {"cycles", block.cyclesPerBlock * model.layers},
          {"simulated_cycles", iteration.simulatedCycles},
          {"time_s", iteration.seconds},
          {"tokens_per_s", iteration.tokensPerSecond},
          {"npu_utilisation", iteration.npuUtilisation},
          {"pim_utilisation", iteration.pimUtilisation},
          {"bandwidth_utilisation", iteration.bandwidthUtilisation},
          {"roof_percent", iteration.roofPercent},
          {"head_s", iteration.headSeconds},
          {"link_s", iteration.linkSeconds},
          {"energy_j", iteration.energyJoules},
          {"energy_per_token_j", tokens > 0 ? iteration.energyJoules / tokens : 0},
          {"limit", limitingResource(iteration.breakdown)},
          {"breakdown", breakdown},
          {"critical_path", operations},
          {"stages", stages}};
}

std::string chromeTrace(const std::vector<Span> &spans, double cyclesPerMicrosecond) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "{{\"traceEvents\":[\n");
  bool first = true;
  for (const Span &span : spans) {
    int64_t thread = span.channel >= 0 ? 100 + span.channel : span.engine;
    fmt::format_to(std::back_inserter(text),
                   "{}{{\"name\":\"{}\",\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"dur\":{:.3f}}}",
                   first ? "" : ",\n", phaseName(span.phase), thread, double(span.start) / cyclesPerMicrosecond,
                   double(span.end - span.start) / cyclesPerMicrosecond);
    first = false;
  }
  fmt::format_to(std::back_inserter(text), "\n]}}\n");
  return fmt::to_string(text);
}

} // namespace yoke::sim
