// Re-reads a command trace and checks every constraint between its commands. Shares no timing code with the simulator:
// it looks back from each command to the last command of every kind at the bank, group, rank and channel.
#pragma once

#include "Simulator/Command.h"
#include "Target/Target.h"

namespace yoke::sim {

struct Violation {
  size_t index; ///< in the trace; its size for what is missing at the end
  std::string rule;
};

struct CheckOptions {
  /// A COMPS_READRES may be followed as if it ended at its issue, as in the published simulator.
  bool compositeEndsAtIssue = false;
  size_t maxViolations = 16;
};

/// Violations in the order of the trace, at most `maxViolations`. Commands of one channel must be in the order of their
/// cycles; channels may be mixed.
std::vector<Violation> checkTrace(const std::vector<TimedCommand> &trace, const Target &target,
                                  const CheckOptions &options = {});

} // namespace yoke::sim
