// Builds the tasks of our schedule; see Schedule.h.
#pragma once

#include "Simulator/Schedule.h"

namespace yoke::sim {

/// Appends decoder blocks to a schedule.
class ScheduleBuilder : public ProgramBuilder {
public:
  ScheduleBuilder(const Target &target, const ModelShape &model, const ScheduleOptions &options, Schedule &schedule)
      : ProgramBuilder(target, schedule.program), model(model), options(options), schedule(schedule),
        nextRow(size_t(memory.channels), int32_t(memory.rows / 2)), nextVector(size_t(memory.channels), 0),
        packedRows(size_t(memory.channels), 0) {
    element = npu.elementBytes;
    page = memory.rowBytes / element;
    headsPerGroup = std::clamp<int64_t>(page / model.headSize, 1, model.keyHeadsPerDevice());
    groups = ceilDivide(model.keyHeadsPerDevice(), headsPerGroup);
  }

  /// `parts` are the sub-batches; `inputs` are the tasks that yield their rows, and become those of the block's
  /// results.
  void block(const std::vector<std::vector<Request>> &parts, std::vector<TaskId> &inputs);
  /// Final norm, language model head and choice of a token for `rows` rows.
  void head(int64_t rows);
  /// Rows of the fullest channel, with the values of short requests packed several heads to a row.
  int64_t rowsUsed() const { return *std::max_element(packedRows.begin(), packedRows.end()); }
  /// Rows from the first to the last one given out.
  int64_t rowsTaken() const { return *std::max_element(nextRow.begin(), nextRow.end()) - memory.rows / 2; }

protected:
  struct Slice {
    TaskId load, freed;
    int64_t length, width;
  };

  Slice weights(int64_t length, int64_t width, Phase phase);
  TaskId multiply(Slice &slice, int64_t rows, Phase phase, TaskId input);
  TaskId reduce(int64_t rows, TaskId input);
  void queriesKeysValues(const std::vector<std::vector<Request>> &parts, const std::vector<int64_t> &rows,
                         const std::vector<TaskId> &current, std::vector<std::vector<TaskId>> &heads);
  std::vector<TaskId> projection(const std::vector<int64_t> &rows, const std::vector<std::vector<TaskId>> &heads);
  std::vector<TaskId> feedForward(const std::vector<int64_t> &rows, const std::vector<TaskId> &current);
  void attention(const std::vector<Request> &requests, int64_t group, TaskId input, std::vector<TaskId> &heads);
  void pimAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads);
  void npuAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads);
  int64_t headsOf(int64_t group) const {
    return std::min(headsPerGroup, model.keyHeadsPerDevice() - group * headsPerGroup);
  }
  TaskId vectorStore(const Request &request, int64_t elements, TaskId after, PimStep &gwrite);

  const ModelShape &model;
  const ScheduleOptions &options;
  Schedule &schedule;
  int64_t element, page;
  int64_t headsPerGroup, groups; ///< heads of keys that share a row, and how many such groups
  std::vector<int32_t> nextRow;
  std::vector<int64_t> nextVector, packedRows;
};

} // namespace yoke::sim
