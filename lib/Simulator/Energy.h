// Energy from what was issued, by the rules of the IDD power model.
#pragma once

#include "Simulator/Machine.h"

namespace yoke::sim {

struct EnergyTable {
  EnergyTable(const Target &target, double nanosecondsPerCycle);
  std::array<double, commandKinds> command; ///< pJ of one command; COMPS_READRES without its COMPs
  double comp;                              ///< pJ of one COMP in all banks
  double activeCycle, idleCycle;            ///< pJ of a rank for a cycle of the memory clock
};

/// pJ of one channel after `cycles` cycles.
double channelEnergy(const EnergyTable &table, const MemoryTarget &memory, const ChannelStats &stats, int64_t cycles);

/// Joules of everything that a machine has done: commands and background of all channels, `flops` on the arrays, bytes
/// through the scratchpad, static power.
double machineEnergy(const Target &target, const Machine &machine, double flops);
/// COMPs' worth of time in all channels over the cycles of the machine, per cycle and channel.
double compShare(const Target &target, const Machine &machine, double cycles);

} // namespace yoke::sim
