// Schedules as command programs.
#pragma once

#include "Simulator/CommandProgram.h"
#include "Simulator/Published.h"
#include "Simulator/Schedule.h"

namespace yoke::sim {

/// The tasks as commands, in an order in which whatever a command waits for comes before it. The first `carried` tasks
/// stand for values from outside: they get the numbers 0, 1, ... and no command. `numbers` takes the value of each
/// task. Precondition: the program has no cycle.
std::vector<CommandNode> commandsOf(const Program &program, int64_t carried, int64_t elementBytes,
                                    std::vector<int32_t> &numbers);

/// Steps of one channel, repetitions as loops.
std::vector<PimNode> pimCommandsOf(const PimStep *steps, int64_t count);

/// One decode (or prefill) step of a batch on one device by our schedule: `options.blocks` decoder blocks in a loop,
/// then the head for `headRows` rows (0: none). Errors: those of buildSchedule and buildHead; Failed when the rows of
/// all blocks are more than the memory has.
Result<CommandProgram> scheduleCommands(const Target &target, const ModelShape &model,
                                        const std::vector<Request> &batch, const ScheduleOptions &options,
                                        int64_t headRows);

/// One run of published stages: a decoder block, or two when interleaved. `lifted`: without the shortcuts that
/// liftShortcuts takes back.
CommandProgram publishedCommands(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                 PublishedSystem system, bool lifted);

} // namespace yoke::sim
