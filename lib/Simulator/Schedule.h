// Our own schedule of decoder blocks: every weight slice is loaded once for all sub-batches and ahead of its use, PIM
// starts on a group of heads as soon as their keys and queries are there, the projection consumes heads as they finish.
#pragma once

#include "Simulator/Machine.h"
#include "Simulator/Workload.h"

namespace yoke::sim {

struct ScheduleOptions {
  int64_t blocks = 3;     ///< consecutive decoder blocks in the program
  int64_t subBatches = 1; ///< 1 or 2
  bool attentionOnPim = true;
  bool links = false; ///< all-reduces over the target's link
};

struct Schedule {
  Program program;
  std::vector<TaskId> blockEnds;
  int64_t weightBytes = 0, keyValueBytes = 0; ///< of one block
  double flops = 0;                           ///< of one block
};

enum ScheduleEngine : uint8_t {
  loadEngine,
  arrayEngine,
  vectorEngine,
  pimEngine,
  storeEngine,
  linkEngine,
  joinEngine,
  scheduleEngines
};

/// Error (Failed): the scratchpad or the memory is too small; says by how much.
Result<Schedule> buildSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                               const ScheduleOptions &options);
MachineOptions scheduleMachine(const Target &target, const ModelShape &model, size_t requests);

/// Seconds of a ring all-reduce of `bytes` over `devices`.
double allReduceSeconds(const LinkTarget &link, int64_t devices, double bytes);

} // namespace yoke::sim
