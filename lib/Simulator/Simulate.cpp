#include "Simulator/Simulate.h"

#include "Simulator/Energy.h"
#include "Simulator/Published.h"
#include "Simulator/Roofline.h"
#include "Simulator/Schedule.h"

namespace yoke::sim {
namespace {

std::string_view resourceName(TaskKind kind) {
  switch (kind) {
  case TaskKind::Load:
  case TaskKind::Store:
    return "memory bandwidth";
  case TaskKind::Gemm:
    return "arrays";
  case TaskKind::Vector:
    return "vector units";
  case TaskKind::Pim:
    return "pim";
  case TaskKind::Delay:
    return "link";
  case TaskKind::Join:
    break;
  }
  return "waiting";
}

/// `path` covers `blocks` blocks.
void setBreakdown(Simulation &result, const std::vector<PathShare> &path, double blocks, double clock) {
  for (const PathShare &share : path)
    result.breakdown.push_back({std::string(phaseName(share.phase)), std::string(resourceName(share.kind)),
                                double(share.cycles) / blocks / clock});
}

/// Utilisations and energy of what a machine did, `blocks` decoder blocks.
void measure(Simulation &result, const Target &target, const Machine &machine, double blocks, double flopsPerBlock,
             double bytesPerBlock) {
  const MemoryTarget &memory = *target.memory;
  double cycles = std::max(1.0, double(result.cyclesPerBlock));
  result.seconds = double(result.cyclesPerBlock) / (target.npu->clockMHz * 1e6);
  result.energyJoules = machineEnergy(target, machine, flopsPerBlock * blocks) / blocks;
  result.npuUtilisation = flopsPerBlock / target.npu->flopsPerCycle() / cycles;
  result.pimUtilisation = compShare(target, machine, cycles * blocks);
  result.bandwidthUtilisation =
      double(machine.bytesLoaded() + machine.bytesStored()) / blocks / memory.bytesPerCycle() / cycles;
  result.roofPercent =
      100 * std::max(flopsPerBlock / target.npu->flopsPerCycle(), bytesPerBlock / memory.bytesPerCycle()) / cycles;
}

double weightFlops(const ModelShape &model, int64_t rows) { return 2.0 * double(model.blockWeights()) * double(rows); }

Result<Simulation> runPublishedMode(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                    PublishedSystem system, const SimulateOptions &options) {
  MachineOptions machineOptions = publishedOptions(target, model, system);
  if (!options.published)
    liftShortcuts(machineOptions);
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
  double bytes = 2.0 * double(model.blockWeights()), flops = weightFlops(model, int64_t(batch.size()));
  for (const Request &request : batch) {
    flops += 4.0 * double(request.length * model.queryWidth());
    if (system == PublishedSystem::NpuOnly)
      bytes += 4.0 * double(request.length * model.keyWidth());
  }
  measure(result, target, machine, result.interleaved ? 2 : 1, flops, bytes);
  setBreakdown(result, published.path, 1, target.npu->clockMHz * 1e6);
  return result;
}

/// Cycles that no schedule with the attention on the NPU can be faster than.
double npuRoofCycles(const Target &target, const ModelShape &model, const std::vector<Request> &batch) {
  double bytes = double(model.blockWeights() * target.npu->elementBytes);
  for (const Request &request : batch)
    bytes += 2.0 * double(model.visible(request.length) * model.keyWidth() * target.npu->elementBytes);
  return std::max(bytes / target.memory->bytesPerCycle(),
                  weightFlops(model, rowsOf(batch)) / target.npu->flopsPerCycle());
}

Result<Simulation> chooseSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                  const SimulateOptions &options) {
  std::vector<ScheduleOptions> candidates = scheduleCandidates(target, model, batch, options);
  if (candidates.size() == 1)
    return simulateSchedule(target, model, batch, candidates.front(), options);
  SimulateOptions quiet = options;
  quiet.commands = nullptr;
  quiet.spans = nullptr;
  Result<Simulation> best = failed("no schedule fits");
  size_t chosen = 0;
  int64_t simulated = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (best && !candidates[i].attentionOnPim && npuRoofCycles(target, model, batch) > double(best->cyclesPerBlock))
      continue;
    Result<Simulation> candidate = simulateSchedule(target, model, batch, candidates[i], quiet);
    simulated += candidate ? candidate->simulatedCycles : 0;
    if (best ? !candidate || candidate->cyclesPerBlock >= best->cyclesPerBlock : i && !candidate)
      continue;
    best = std::move(candidate);
    chosen = i;
  }
  if (best && (options.commands || options.spans))
    best = simulateSchedule(target, model, batch, candidates[chosen], options);
  if (best)
    best->simulatedCycles = simulated;
  return best;
}

Result<Simulation> runMode(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                           const SimulateOptions &options) {
  bool prefill = rowsOf(batch) != int64_t(batch.size());
  if (options.mode == Mode::Npu && options.published && !prefill)
    return runPublishedMode(target, model, batch, PublishedSystem::NpuOnly, options);
  if (options.mode == Mode::Yoke || options.mode == Mode::Npu || prefill)
    return chooseSchedule(target, model, batch, options);
  if (!options.published && options.checkCapacity) // fair baselines have no more memory than our schedules
    YOKE_TRY(buildBlock(target, model, batch, {1, 1, true, false, true}));
  if (options.mode == Mode::NpuPim)
    return runPublishedMode(target, model, batch, PublishedSystem::NaiveNpuPim, options);
  bool interleaved = options.interleave == Interleave::Auto ? batch.size() >= 256 // the published rule
                                                            : options.interleave == Interleave::On;
  return runPublishedMode(target, model, batch,
                          interleaved ? PublishedSystem::NeuPimsInterleaved : PublishedSystem::NeuPims, options);
}

Status checkMode(const Target &target, Mode mode) {
  if (mode == Mode::Gpu ? !target.gpu : !target.npu || !target.memory)
    return usageError("{}: mode {} needs {}", target.name, modeName(mode),
                      mode == Mode::Gpu ? "a gpu" : "an npu and a memory");
  if ((mode == Mode::NpuPim || mode == Mode::NeuPims) && !target.pim)
    return usageError("{}: mode {} needs a pim", target.name, modeName(mode));
  if (mode == Mode::NpuPim && target.pim->dualRowBuffer)
    return usageError("{}: mode npu-pim needs pim.dual_row_buffer = false", target.name);
  if (mode == Mode::NeuPims && (!target.pim->dualRowBuffer || !target.pim->compositeCommands))
    return usageError("{}: mode neupims needs pim.dual_row_buffer and pim.composite_commands", target.name);
  return {};
}

} // namespace

std::string_view modeName(Mode mode) {
  constexpr std::string_view names[] = {"gpu", "npu", "npu-pim", "neupims", "yoke"};
  return names[size_t(mode)];
}

std::string limitingResource(const std::vector<OpShare> &breakdown) {
  std::vector<std::pair<std::string, double>> totals;
  for (const OpShare &share : breakdown) {
    auto same = std::find_if(totals.begin(), totals.end(), [&](auto &total) { return total.first == share.resource; });
    if (same == totals.end())
      totals.emplace_back(share.resource, share.seconds);
    else
      same->second += share.seconds;
  }
  auto most = std::max_element(totals.begin(), totals.end(), [](auto &a, auto &b) { return a.second < b.second; });
  return most == totals.end() ? "" : most->first;
}

std::vector<ScheduleOptions> scheduleCandidates(const Target &target, const ModelShape &model,
                                                const std::vector<Request> &batch, const SimulateOptions &options) {
  std::vector<ScheduleOptions> candidates;
  bool links = options.links && target.link && model.tensorParallel > 1;
  bool decodes =
      std::any_of(batch.begin(), batch.end(), [&](const Request &request) { return attendsOnPim(request, model); });
  for (bool pim : {true, false})
    for (int64_t parts : {1, 2}) {
      bool wanted = options.interleave == Interleave::Auto || (options.interleave == Interleave::On) == (parts == 2);
      bool possible = (!pim || (target.pim && decodes)) && (parts == 1 || ((pim || links) && batch.size() > 1));
      if (options.mode == Mode::Yoke ? wanted && possible : !pim && parts == 1)
        candidates.push_back({3, parts, pim, links, options.checkCapacity});
    }
  if (candidates.empty())
    candidates.push_back({3, 1, false, links, options.checkCapacity});
  return candidates;
}

Result<Simulation> simulateSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                    const ScheduleOptions &schedule, const SimulateOptions &options) {
  Schedule built = YOKE_TRY(buildSchedule(target, model, batch, schedule));
  Machine machine(target, scheduleMachine(target, model, rowsOf(batch)));
  if (options.commands)
    machine.recordCommands(options.commands);
  machine.recordSpans(options.spans);
  YOKE_TRY(machine.run(std::move(built.program)));
  Simulation result;
  int64_t first = machine.finished(built.blockEnds.front()), last = machine.finished(built.blockEnds.back());
  double steady = double(schedule.blocks - 1);
  result.cyclesPerBlock = (last - first) / (schedule.blocks - 1);
  result.simulatedCycles = machine.now();
  result.interleaved = schedule.subBatches == 2;
  result.linksInside = schedule.links;
  result.plan = fmt::format("{}, attention on {}", result.interleaved ? "two sub-batches" : "one batch",
                            schedule.attentionOnPim ? "pim" : "npu");
  measure(result, target, machine, double(schedule.blocks), built.flops,
          double(built.weightBytes + built.npuKeyValueBytes));
  setBreakdown(result, machine.criticalPath(built.blockEnds.back(), first), steady, target.npu->clockMHz * 1e6);
  return result;
}

Result<Simulation> simulateBlock(const Target &target, const ModelShape &model, std::vector<Request> batch,
                                 const SimulateOptions &options) {
  YOKE_TRY(checkParallelism(model));
  YOKE_TRY(checkMode(target, options.mode));
  if (options.mode == Mode::Gpu)
    return rooflineBlock(*target.gpu, target.name, model, batch);
  bool placed = std::all_of(batch.begin(), batch.end(), [](const Request &request) { return request.channel >= 0; });
  placeRequests(batch, model, target,
                options.mode == Mode::NpuPim && !placed ? Placement::RoundRobin : Placement::AsGiven);
  return runMode(target, model, batch, options);
}

Result<Simulation> simulateHead(const Target &target, const ModelShape &model, int64_t rows, Mode mode) {
  YOKE_TRY(checkMode(target, mode));
  if (mode == Mode::Gpu)
    return rooflineHead(*target.gpu, model, rows);
  Schedule built = YOKE_TRY(buildHead(target, model, rows));
  Machine machine(target, scheduleMachine(target, model, rows));
  YOKE_TRY(machine.run(std::move(built.program)));
  Simulation result;
  result.cyclesPerBlock = result.simulatedCycles = machine.now();
  result.plan = "npu";
  measure(result, target, machine, 1, built.flops, double(built.weightBytes));
  setBreakdown(result, machine.criticalPath(built.blockEnds.back(), 0), 1, target.npu->clockMHz * 1e6);
  return result;
}

} // namespace yoke::sim
