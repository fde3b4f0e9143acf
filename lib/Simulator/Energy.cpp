#include "Simulator/Energy.h"

namespace yoke::sim {

EnergyTable::EnergyTable(const Target &target, double nanosecondsPerCycle) {
  const MemoryTarget &memory = *target.memory;
  const DramPower &p = memory.power;
  const DramTiming &t = memory.timing;
  double scale = p.vdd * nanosecondsPerCycle;
  double activate = scale * (p.idd0 * double(t.RC) - p.idd3n * double(t.RAS) - p.idd2n * double(t.RC - t.RAS));
  double read = scale * (p.idd4r - p.idd3n) * double(memory.burst);
  command.fill(0);
  command[size_t(CommandKind::Activate)] = activate;
  command[size_t(CommandKind::Read)] = read;
  command[size_t(CommandKind::Write)] = scale * (p.idd4w - p.idd3n) * double(memory.burst);
  command[size_t(CommandKind::Refresh)] = scale * (p.idd5 - p.idd3n) * double(t.RFC);
  command[size_t(CommandKind::Gwrite)] = read * double(memory.accessesPerRow());
  command[size_t(CommandKind::GroupActivate)] = activate * double(target.pim ? target.pim->activateBanks : 0);
  command[size_t(CommandKind::ReadResult)] = read;
  command[size_t(CommandKind::CompsReadResult)] = read;
  comp = 4 * read;
  activeCycle = scale * p.idd3n;
  idleCycle = scale * p.idd2n;
}

double channelEnergy(const EnergyTable &table, const MemoryTarget &memory, const ChannelStats &stats, int64_t cycles) {
  double energy = table.comp * double(stats.comps);
  for (size_t kind = 0; kind < commandKinds; ++kind)
    energy += table.command[kind] * double(stats.commands[kind]);
  double idle = double(memory.ranks * cycles - stats.activeCycles);
  return energy + table.activeCycle * double(stats.activeCycles) + table.idleCycle * std::max(0.0, idle);
}

double machineEnergy(const Target &target, const Machine &machine, double flops) {
  const MemoryTarget &memory = *target.memory;
  EnergyTable table(target, 1e3 / memory.clockMHz);
  double picojoules = 0;
  for (size_t channel = 0; channel < size_t(memory.channels); ++channel)
    picojoules += channelEnergy(table, memory, machine.channelStats(channel), machine.now());
  double seconds = double(machine.now()) / (target.npu->clockMHz * 1e6);
  picojoules += flops / 2 * target.npu->macEnergy +
                double(machine.bytesLoaded() + machine.bytesStored()) * target.npu->scratchpadEnergy +
                target.npu->staticPower * seconds * 1e12;
  return picojoules * 1e-12;
}

double compShare(const Target &target, const Machine &machine, double cycles) {
  const MemoryTarget &memory = *target.memory;
  double comps = 0;
  for (size_t channel = 0; channel < size_t(memory.channels); ++channel)
    comps += double(machine.channelStats(channel).comps);
  return comps * double(std::max(memory.burst, memory.timing.CCD_S)) / double(memory.channels) / cycles;
}

} // namespace yoke::sim
