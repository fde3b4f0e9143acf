// Runs a command program on the machine that it was made for.
#pragma once

#include "Simulator/CommandProgram.h"
#include "Simulator/LegalityChecker.h"
#include "Simulator/Machine.h"

namespace yoke::sim {

struct CommandRun {
  struct Stage {
    std::string name;
    int64_t cycles;
    std::vector<int64_t> marks = {};        ///< cycles since the stage's begin
    std::vector<Violation> violations = {}; ///< of commands that are at their cycles already
    /// Between two marks, from the first to the last; 0 with fewer than two.
    int64_t cyclesPerBlock() const {
      return marks.size() < 2 ? 0 : (marks.back() - marks.front()) / int64_t(marks.size() - 1);
    }
  };
  std::vector<Stage> stages;
  int64_t cycles = 0, tasks = 0;
  int64_t bytesLoaded = 0, bytesStored = 0, arrayBusy = 0, peakScratchpad = 0;
  CommandCounts commands = {}; ///< of all channels
  double energyJoules = 0;     ///< of the memory
};

/// A stage of issued commands is not run but checked; it takes as long as its last command says. Commands of the
/// channels 0, `stride`, ... are appended to `trace` unless it is nullptr. Errors: Malformed (made for other sizes, or
/// for devices that the target has not), those of expandStage and Machine::run.
Result<CommandRun> runCommands(const CommandProgram &program, const Target &target,
                               std::vector<TimedCommand> *trace = nullptr, size_t stride = 1);

} // namespace yoke::sim
