// A command program as the tasks that a machine runs.
#pragma once

#include "Simulator/CommandProgram.h"

namespace yoke::sim {

struct ExpandedStage {
  Program program;
  std::vector<TaskId> marks; ///< tasks of marked joins, in order
};

/// Loops unrolled, commands on the queues of the program's policy. Errors: Malformed (an address outside the machine, a
/// tile freed that is none), Failed (more than 4 million tasks or 16 million PIM commands in the stage).
Result<ExpandedStage> expandStage(const CommandProgram &program, const CommandStage &stage, const Target &target);

} // namespace yoke::sim
