#include "Simulator/CommandRun.h"

#include "Simulator/CommandExpander.h"
#include "Simulator/Energy.h"
#include "Simulator/Published.h"
#include "Simulator/Schedule.h"

namespace yoke::sim {
namespace {

MachineOptions optionsOf(const CommandProgram &program) {
  MachineOptions options;
  switch (program.policy) {
  case CommandPolicy::Overlapped:
    options = overlappedMachine();
    options.scratchpadBytes = program.scratchpadBytes;
    break;
  case CommandPolicy::PublishedNpu:
    options = publishedMachine(PublishedSystem::NpuOnly);
    break;
  case CommandPolicy::NpuPim:
  case CommandPolicy::PublishedNpuPim:
    options = publishedMachine(PublishedSystem::NaiveNpuPim);
    break;
  case CommandPolicy::NeuPims:
  case CommandPolicy::PublishedNeuPims:
    options = publishedMachine(PublishedSystem::NeuPims);
  }
  if (program.policy == CommandPolicy::NpuPim || program.policy == CommandPolicy::NeuPims)
    liftShortcuts(options);
  options.addressWrap = program.streamBytes;
  return options;
}

Status checkMachine(const CommandProgram &program, const Target &target) {
  if (!target.npu || !target.memory)
    return usageError("{}: command programs need an npu and a memory", target.name);
  CommandMachine has = machineOf(target);
  const CommandMachine &wants = program.machine;
  if (has != wants)
    return malformed("{}: made for {} channels, {} banks, {} rows of {} bytes; target {} has {}, {}, {} of {}",
                     program.name, wants.channels, wants.banks, wants.rows, wants.rowBytes, target.name, has.channels,
                     has.banks, has.rows, has.rowBytes);
  if (program.streamBytes > target.memory->capacityBytes() ||
      (program.streamBytes && program.streamBytes < target.memory->accessBytes))
    return malformed("{}: the stream of {} bytes violates {} <= bytes <= {}", program.name, program.streamBytes,
                     target.memory->accessBytes, target.memory->capacityBytes());
  return {};
}

int64_t lastCycle(const std::vector<TimedCommand> &issued) {
  int64_t last = 0;
  for (const TimedCommand &timed : issued)
    last = std::max(last, timed.cycle);
  return last;
}

} // namespace

Result<CommandRun> runCommands(const CommandProgram &program, const Target &target, std::vector<TimedCommand> *trace,
                               size_t stride) {
  YOKE_TRY(checkMachine(program, target));
  Machine machine(target, optionsOf(program));
  if (trace)
    machine.recordCommands(trace, 0, stride);
  CommandRun run;
  int64_t issued = 0;
  for (const CommandStage &stage : program.stages) {
    if (!stage.issued.empty()) {
      CommandRun::Stage &done = run.stages.emplace_back(stage.name, lastCycle(stage.issued));
      done.violations = checkTrace(stage.issued, target);
      issued += done.cycles;
      continue;
    }
    ExpandedStage expanded = YOKE_TRY(expandStage(program, stage, target));
    run.tasks += int64_t(expanded.program.tasks.size());
    int64_t begin = machine.now();
    YOKE_TRY(machine.run(std::move(expanded.program)));
    CommandRun::Stage &done = run.stages.emplace_back(stage.name, machine.now() - begin);
    for (TaskId mark : expanded.marks)
      done.marks.push_back(machine.finished(mark) - begin);
  }
  run.cycles = machine.now() + issued;
  run.bytesLoaded = machine.bytesLoaded();
  run.bytesStored = machine.bytesStored();
  run.arrayBusy = machine.arrayBusy();
  run.peakScratchpad = machine.peakScratchpad();
  EnergyTable table(target, 1e3 / target.memory->clockMHz);
  for (size_t channel = 0; channel < size_t(machine.channels()); ++channel) {
    const ChannelStats &stats = machine.channelStats(channel);
    for (size_t kind = 0; kind < commandKinds; ++kind)
      run.commands[kind] += stats.commands[kind];
    run.energyJoules += channelEnergy(table, *target.memory, stats, machine.now()) * 1e-12;
  }
  return run;
}

} // namespace yoke::sim
