// Follows a machine in the order of its time.
#pragma once

#include "Simulator/Command.h"

namespace yoke::sim {

class MachineObserver {
public:
  virtual ~MachineObserver() = default;
  /// Before those that wait for the task may start.
  virtual void taskFinished(int32_t task) = 0;
  /// `task` is the one that asked for the access or the PIM step; -1: nobody (rows opened and closed, refreshes).
  virtual void commandIssued(int32_t channel, const Command &command, int32_t task) = 0;
};

} // namespace yoke::sim
