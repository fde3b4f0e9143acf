// Energy from what was issued, by the rules of the IDD power model.
#pragma once

#include "Simulator/Channel.h"

namespace yoke::sim {

struct EnergyTable {
  EnergyTable(const Target &target, double nanosecondsPerCycle);
  std::array<double, commandKinds> command; ///< pJ of one command; COMPS_READRES without its COMPs
  double comp;                              ///< pJ of one COMP in all banks
  double activeCycle, idleCycle;            ///< pJ of a rank for a cycle of the memory clock
};

/// pJ of one channel after `cycles` cycles.
double channelEnergy(const EnergyTable &table, const MemoryTarget &memory, const ChannelStats &stats, int64_t cycles);

} // namespace yoke::sim
