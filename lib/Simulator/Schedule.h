// Our own schedule of decoder blocks: every weight slice is loaded once for all sub-batches and ahead of its use, PIM
// starts on a group of heads as soon as their keys and queries are there, the projection consumes heads as they finish.
#pragma once

#include "Simulator/ProgramBuilder.h"
#include "Simulator/Workload.h"

namespace yoke::sim {

struct ScheduleOptions {
  int64_t blocks = 3;     ///< consecutive decoder blocks in the program
  int64_t subBatches = 1; ///< 1 or 2
  bool attentionOnPim = true;
  bool links = false; ///< all-reduces over the target's link
  bool checkCapacity = true;
};

struct Schedule {
  Program program;
  std::vector<TaskId> blockEnds;
  int64_t weightBytes = 0, npuKeyValueBytes = 0; ///< that the NPU reads in one block
  double flops = 0;                              ///< of one block
};

/// One block to be repeated: `inputs` are tasks that stand for the rows of each sub-batch, `outputs` those of the
/// block.
struct BlockSchedule {
  Schedule schedule;
  std::vector<TaskId> inputs, outputs;
  int64_t rows = 0; ///< of keys and values in the fullest channel, by which the next block's lie further
};

/// Error (Failed): the scratchpad or the memory is too small; says by how much.
Result<Schedule> buildSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                               const ScheduleOptions &options);
/// Errors: those of buildSchedule.
Result<BlockSchedule> buildBlock(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                 const ScheduleOptions &options);
/// The language model head of one device for `rows` rows, with the final norm and the choice of tokens: one "block".
Result<Schedule> buildHead(const Target &target, const ModelShape &model, int64_t rows);
/// A machine for our schedules, its scratchpad not limited.
MachineOptions overlappedMachine();
/// With the scratchpad that the activations of `rows` rows leave.
MachineOptions scheduleMachine(const Target &target, const ModelShape &model, int64_t rows);

/// Whether PIM may attend for the request: each of its queries is a pass over its keys, so there must be few.
bool attendsOnPim(const Request &request, const ModelShape &model);

/// New tokens of all requests.
int64_t rowsOf(const std::vector<Request> &batch);
/// Rows whose activations leave half of the scratchpad to weights and keys.
int64_t largestStep(const Target &target, const ModelShape &model);

/// Bytes of keys and values of one token on one device, all layers of its stage.
double keyValueBytesPerToken(const Target &target, const ModelShape &model);

/// Seconds of a ring all-reduce of `bytes` over `devices`.
double allReduceSeconds(const LinkTarget &link, int64_t devices, double bytes);

} // namespace yoke::sim
