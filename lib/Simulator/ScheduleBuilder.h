// Builds the tasks of our schedule; see Schedule.h.
#pragma once

#include "Simulator/Schedule.h"

namespace yoke::sim {

/// Appends decoder blocks to a schedule.
class ScheduleBuilder {
public:
  ScheduleBuilder(const Target &target, const ModelShape &model, const ScheduleOptions &options, Schedule &schedule)
      : target(target), npu(*target.npu), memory(*target.memory), model(model), options(options), schedule(schedule),
        program(schedule.program), nextRow(size_t(memory.channels), int32_t(memory.rows / 2)),
        nextVector(size_t(memory.channels), 0), packedRows(size_t(memory.channels), 0) {
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
  TaskId join() { return add(TaskKind::Join, joinEngine, Phase::Other, 0, {}); }

protected:
  struct Slice {
    TaskId load, freed;
    int64_t length, width;
  };

  TaskId add(TaskKind kind, ScheduleEngine engine, Phase phase, int64_t amount, std::initializer_list<TaskId> after) {
    Task task;
    task.kind = kind;
    task.engine = engine;
    task.phase = phase;
    task.amount = amount;
    TaskId id = program.add(task);
    for (TaskId before : after)
      if (before >= 0)
        program.depend(id, before);
    return id;
  }

  Slice weights(int64_t length, int64_t width, Phase phase);
  TaskId multiply(Slice &slice, int64_t rows, Phase phase, TaskId input);
  TaskId vectors(int64_t rows, int64_t cyclesPerRow, Phase phase, TaskId input);
  TaskId reduce(int64_t rows, TaskId input);
  void queriesKeysValues(const std::vector<std::vector<Request>> &parts, const std::vector<int64_t> &rows,
                         const std::vector<TaskId> &current, std::vector<std::vector<TaskId>> &heads);
  std::vector<TaskId> projection(const std::vector<int64_t> &rows, const std::vector<std::vector<TaskId>> &heads);
  std::vector<TaskId> feedForward(const std::vector<int64_t> &rows, const std::vector<TaskId> &current);
  void attention(const std::vector<Request> &requests, int64_t group, TaskId input, std::vector<TaskId> &heads);
  void pimAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads);
  void npuAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads);
  int64_t attentionCycles(int64_t length, int64_t rows) const;
  int64_t headsOf(int64_t group) const {
    return std::min(headsPerGroup, model.keyHeadsPerDevice() - group * headsPerGroup);
  }
  TaskId pim(const Request &request, Phase phase, int32_t firstStep, TaskId after);
  TaskId vectorStore(const Request &request, int64_t elements, TaskId after, PimStep &gwrite);
  void tile(int32_t row, int64_t comps, int64_t results);

  static int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
  int64_t lanes(int64_t size) const { return ceilDivide(size, npu.vectorLanes); }
  int64_t tree(int64_t size) const {
    int64_t steps = 1;
    for (; size > npu.vectorLanes; size = lanes(size))
      steps += lanes(size);
    return steps;
  }
  int64_t normCycles(int64_t size) const { return 2 * tree(size) + 3 + 5 * lanes(size); }
  int64_t softmaxCycles(int64_t size) const { return 2 * tree(size) + 3 * lanes(size); }

  const Target &target;
  const NpuTarget &npu;
  const MemoryTarget &memory;
  const ModelShape &model;
  const ScheduleOptions &options;
  Schedule &schedule;
  Program &program;
  int64_t element, page;
  int64_t headsPerGroup, groups; ///< heads of keys that share a row, and how many such groups
  std::vector<int32_t> nextRow;
  std::vector<int64_t> nextVector, packedRows;
};

} // namespace yoke::sim
