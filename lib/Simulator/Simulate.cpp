#include "Simulator/Simulate.h"

#include "Simulator/Energy.h"
#include "Simulator/Published.h"
#include "Simulator/Schedule.h"

#include <algorithm>

namespace yoke::sim {
namespace {

/// Utilisations and energy of what a machine did, `blocks` decoder blocks.
void measure(Simulation &result, const Target &target, const Machine &machine, double blocks, double flopsPerBlock,
             double bytesPerBlock) {
  const MemoryTarget &memory = *target.memory;
  double cycles = double(result.cyclesPerBlock);
  EnergyTable table(target, 1e3 / memory.clockMHz);
  double picojoules = 0, comps = 0;
  for (size_t channel = 0; channel < size_t(memory.channels); ++channel) {
    picojoules += channelEnergy(table, memory, machine.channelStats(channel), machine.now());
    comps += double(machine.channelStats(channel).comps);
  }
  double seconds = double(machine.now()) / (target.npu->clockMHz * 1e6);
  picojoules += flopsPerBlock * blocks / 2 * target.npu->macEnergy +
                double(machine.bytesLoaded() + machine.bytesStored()) * target.npu->scratchpadEnergy +
                target.npu->staticPower * seconds * 1e12;
  result.energyJoules = picojoules * 1e-12 / blocks;
  result.npuUtilisation = flopsPerBlock / target.npu->flopsPerCycle() / cycles;
  double step = double(std::max(memory.burst, memory.timing.CCD_S));
  result.pimUtilisation = comps / blocks * step / double(memory.channels) / cycles;
  result.bandwidthUtilisation =
      double(machine.bytesLoaded() + machine.bytesStored()) / blocks / memory.bytesPerCycle() / cycles;
  result.roofPercent =
      100 * std::max(flopsPerBlock / target.npu->flopsPerCycle(), bytesPerBlock / memory.bytesPerCycle()) / cycles;
}

double weightFlops(const ModelShape &model, size_t requests) {
  return 2.0 * double(model.blockWeights()) * double(requests);
}
double weightBytes(const ModelShape &model) { return 2.0 * double(model.blockWeights()); }

Result<Simulation> runSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                               const ScheduleOptions &schedule, const SimulateOptions &options) {
  Schedule built = YOKE_TRY(buildSchedule(target, model, batch, schedule));
  Machine machine(target, scheduleMachine(target, model, batch.size()));
  if (options.commands)
    machine.recordCommands(options.commands);
  machine.recordSpans(options.spans);
  YOKE_TRY(machine.run(std::move(built.program)));
  Simulation result;
  int64_t first = machine.finished(built.blockEnds.front()), last = machine.finished(built.blockEnds.back());
  result.cyclesPerBlock = (last - first) / (schedule.blocks - 1);
  result.simulatedCycles = machine.now();
  result.interleaved = schedule.subBatches == 2;
  result.plan = fmt::format("{}, attention on {}", result.interleaved ? "two sub-batches" : "one batch",
                            schedule.attentionOnPim ? "pim" : "npu");
  double bytes = double(built.weightBytes) + (schedule.attentionOnPim ? 0 : double(built.keyValueBytes));
  measure(result, target, machine, double(schedule.blocks), built.flops, bytes);
  return result;
}

Result<Simulation> runPublishedMode(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                    PublishedSystem system, const SimulateOptions &options) {
  MachineOptions machineOptions = publishedOptions(target, model, system);
  if (!options.published) { // what can be lifted without another schedule
    machineOptions.channel.compositeEnd = CompositeEnd::AtLastComp;
    for (EngineOptions &engine : machineOptions.engines)
      engine.stepInterval = 0;
  }
  Machine machine(target, machineOptions);
  if (options.commands)
    machine.recordCommands(options.commands);
  machine.recordSpans(options.spans);
  PublishedResult published = YOKE_TRY(runPublished(machine, target, model, batch, system));
  Simulation result;
  result.cyclesPerBlock = published.cyclesPerBlock;
  result.simulatedCycles = published.cycles;
  result.interleaved = system == PublishedSystem::NeuPimsInterleaved;
  result.plan = result.interleaved ? "two sub-batches in stages" : "one batch in stages";
  for (const StageTime &stage : published.stages)
    result.stages.emplace_back(stage.name, stage.cycles);
  double bytes = weightBytes(model);
  if (system == PublishedSystem::NpuOnly)
    for (const Request &request : batch)
      bytes += 4.0 * double(request.length * model.widthPerDevice());
  measure(result, target, machine, result.interleaved ? 2 : 1, weightFlops(model, batch.size()), bytes);
  return result;
}

Result<Simulation> runGpu(const Target &target, const ModelShape &model, const std::vector<Request> &batch) {
  const RooflineTarget &gpu = *target.gpu;
  double tokens = 0;
  for (const Request &request : batch)
    tokens += double(request.length);
  double seconds = 0;
  auto kernel = [&](double flops, double bytes) {
    seconds += gpu.launchSeconds + std::max(flops / (gpu.peakFlops * gpu.computeEfficiency),
                                            bytes / (gpu.memoryBandwidth * gpu.memoryEfficiency));
  };
  double rows = double(batch.size()), width = double(model.width), part = double(model.widthPerDevice());
  for (double columns : {3.0, 1.0, 4.0, 4.0}) // QKV, projection, two of the feed-forward network
    kernel(2 * rows * width * part * columns, 2 * (width * part * columns + rows * (width + part * columns)));
  kernel(4 * tokens * part, 4 * tokens * part);
  for (int i = 0; i < 4; ++i) // norms and residuals
    kernel(8 * rows * width, 4 * rows * width);
  Simulation result;
  result.cyclesPerBlock = int64_t(seconds * 1e9); // of a nominal 1 GHz
  result.plan = "roofline of each kernel";
  result.energyJoules = seconds * gpu.power;
  result.npuUtilisation = weightFlops(model, batch.size()) / gpu.peakFlops / seconds;
  result.bandwidthUtilisation = (weightBytes(model) + 4 * tokens * part) / gpu.memoryBandwidth / seconds;
  result.roofPercent = 100 * std::max(result.npuUtilisation, result.bandwidthUtilisation);
  return result;
}

void keepBetter(Result<Simulation> &best, Result<Simulation> candidate) {
  if (!candidate)
    return;
  int64_t simulated = candidate->simulatedCycles + (best ? best->simulatedCycles : 0);
  if (!best || candidate->cyclesPerBlock < best->cyclesPerBlock)
    best = std::move(candidate);
  best->simulatedCycles = simulated;
}

Result<Simulation> chooseSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                  const SimulateOptions &options) {
  std::vector<ScheduleOptions> candidates;
  for (bool pim : {true, false})
    for (int64_t parts : {1, 2}) {
      bool wanted = options.interleave == Interleave::Auto || (options.interleave == Interleave::On) == (parts == 2);
      bool possible = (!pim || target.pim) && (parts == 1 || (pim && batch.size() > 1));
      if (options.mode == Mode::Npu ? !pim && parts == 1 : wanted && possible)
        candidates.push_back({3, parts, pim, false});
    }
  if (candidates.empty())
    candidates.push_back({3, 1, bool(target.pim), false});
  SimulateOptions quiet = options;
  quiet.commands = nullptr;
  quiet.spans = nullptr;
  if (candidates.size() == 1)
    return runSchedule(target, model, batch, candidates.front(), options);
  Result<Simulation> best = failed("no schedule fits");
  size_t chosen = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    Result<Simulation> candidate = runSchedule(target, model, batch, candidates[i], quiet);
    if (!candidate && !best)
      best = candidate;
    if (candidate && (!best || candidate->cyclesPerBlock < best->cyclesPerBlock))
      chosen = i;
    keepBetter(best, std::move(candidate));
  }
  if (best && (options.commands || options.spans))
    return runSchedule(target, model, batch, candidates[chosen], options);
  return best;
}

Result<Simulation> runMode(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                           const SimulateOptions &options) {
  switch (options.mode) {
  case Mode::Gpu:
    return runGpu(target, model, batch);
  case Mode::Npu:
    if (options.published)
      return runPublishedMode(target, model, batch, PublishedSystem::NpuOnly, options);
    return chooseSchedule(target, model, batch, options);
  case Mode::NpuPim:
    return runPublishedMode(target, model, batch, PublishedSystem::NaiveNpuPim, options);
  case Mode::NeuPims: {
    if (options.interleave == Interleave::Off)
      return runPublishedMode(target, model, batch, PublishedSystem::NeuPims, options);
    if (options.interleave == Interleave::On)
      return runPublishedMode(target, model, batch, PublishedSystem::NeuPimsInterleaved, options);
    bool large = batch.size() >= 256; // the published rule
    return runPublishedMode(target, model, batch,
                            large ? PublishedSystem::NeuPimsInterleaved : PublishedSystem::NeuPims, options);
  }
  case Mode::Yoke:
    return chooseSchedule(target, model, batch, options);
  }
  return failed("unknown mode");
}

} // namespace

std::string_view modeName(Mode mode) {
  constexpr std::string_view names[] = {"gpu", "npu", "npu-pim", "neupims", "yoke"};
  return names[size_t(mode)];
}

Result<Simulation> simulate(const Target &target, const ModelShape &model, std::vector<Request> batch,
                            const SimulateOptions &options) {
  if (options.mode == Mode::Gpu ? !target.gpu : !target.npu || !target.memory)
    return usageError("{}: mode {} needs {}", target.name, modeName(options.mode),
                      options.mode == Mode::Gpu ? "a gpu" : "an npu and a memory");
  bool needsPim = options.mode == Mode::NpuPim || options.mode == Mode::NeuPims;
  if (needsPim && !target.pim)
    return usageError("{}: mode {} needs a pim", target.name, modeName(options.mode));
  if (options.mode == Mode::NpuPim && target.pim->dualRowBuffer)
    return usageError("{}: mode npu-pim needs pim.dual_row_buffer = false", target.name);
  if (options.mode == Mode::NeuPims && (!target.pim->dualRowBuffer || !target.pim->compositeCommands))
    return usageError("{}: mode neupims needs pim.dual_row_buffer and pim.composite_commands", target.name);
  if (target.memory)
    placeRequests(batch, model, target, Placement::AsGiven);
  Simulation result = YOKE_TRY(runMode(target, model, batch, options));
  double clock = options.mode == Mode::Gpu ? 1e9 : target.npu->clockMHz * 1e6;
  double stages = double(model.pipelineParallel), layers = double(model.layers);
  double linkSeconds = 0;
  if (target.link && model.tensorParallel > 1)
    linkSeconds =
        2 * layers *
        allReduceSeconds(*target.link, model.tensorParallel, 2.0 * double(batch.size()) * double(model.width));
  if (target.link)
    linkSeconds += (stages - 1) *
                   (target.link->latency + 2.0 * double(batch.size()) * double(model.width) / target.link->bandwidth);
  result.iterationSeconds = layers * double(result.cyclesPerBlock) / clock + linkSeconds;
  result.tokensPerSecond = double(batch.size()) * stages / result.iterationSeconds; // all stages at work
  result.energyJoules *= layers * double(model.tensorParallel);
  return result;
}

Json toJson(const Simulation &simulation, Mode mode, int64_t layers) {
  Json stages = Json::object();
  for (const auto &[name, cycles] : simulation.stages)
    stages[name] = cycles;
  return {{"mode", modeName(mode)},
          {"plan", simulation.plan},
          {"interleaved", simulation.interleaved},
          {"iterations", 1},
          {"cycles_per_block", simulation.cyclesPerBlock},
          {"cycles", simulation.cyclesPerBlock * layers},
          {"simulated_cycles", simulation.simulatedCycles},
          {"time_s", simulation.iterationSeconds},
          {"tokens_per_s", simulation.tokensPerSecond},
          {"npu_utilisation", simulation.npuUtilisation},
          {"pim_utilisation", simulation.pimUtilisation},
          {"bandwidth_utilisation", simulation.bandwidthUtilisation},
          {"roof_percent", simulation.roofPercent},
          {"energy_j", simulation.energyJoules},
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
