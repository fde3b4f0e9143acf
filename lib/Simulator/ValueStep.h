// The program of one decode step with its values: what each task computes when it ends, what each store writes.
#pragma once

#include "Simulator/Schedule.h"
#include "Simulator/ValueDecoder.h"

#include <functional>
#include <map>

namespace yoke::sim {

/// What lasts from step to step.
struct ValueContext {
  ValueContext(const Target &target, const DecoderWeights &weights, int64_t positions);

  /// Rows of keys, values and vectors.
  int64_t rowsUsed() const;
  int32_t keyRow(int64_t layer, int64_t group, int64_t token) const;
  int32_t valueRow(int64_t layer, int64_t keyHead, int64_t token, int64_t feature) const;

  int64_t positions, position = 0;
  int64_t page, banks, groupHeads, groups, keyTiles, chunks, featureTiles, rowsPerLayer;
  int64_t firstRow; ///< above the rows that weights stream from
  ChannelValues channel;
  /// Values of the access that is being filled, of a layer: [feature of all key heads][token mod access].
  std::vector<std::vector<Half>> open;
  int64_t access; ///< elements
  int64_t vectors = 0;
};

class ValueStep : public MachineObserver {
public:
  ValueStep(const Target &target, const DecoderWeights &weights, ValueContext &context);

  Program build(int32_t token);
  const std::vector<float> &logits() const { return output; }
  /// The first command that did not find what it needs.
  Status status() const { return problem; }

  void taskFinished(TaskId task) override;
  void commandIssued(int32_t channel, const Command &command, TaskId task) override;

private:
  using Values = std::vector<float>; ///< every one representable in fp16, but logits
  struct Write {
    int64_t firstElement, written = 0;
    std::function<std::vector<Half>()> source;
    std::vector<Half> values;
    bool made = false;
  };

  TaskId add(TaskKind kind, ScheduleEngine engine, Phase phase, int64_t amount, std::vector<TaskId> after,
             std::function<void()> action = {});
  TaskId store(int64_t bank, int32_t row, int64_t firstElement, int64_t elements, TaskId after,
               std::function<std::vector<Half>()> source);
  /// A matrix times `input`, slice by slice; `rounded` results go to fp16.
  TaskId product(const std::vector<float> &matrix, int64_t inner, int64_t outer, const Values &input, Values &result,
                 Phase phase, TaskId after, bool rounded = true);
  TaskId norm(const Values &input, const std::vector<float> &scale, Values &result, TaskId after);
  TaskId rotate(Values &vector, int64_t heads, TaskId after);
  void writeKeyValue(int64_t layer, TaskId ready, std::vector<TaskId> &stored);
  TaskId attend(int64_t layer, int64_t group, int64_t pass, TaskId ready, const std::vector<TaskId> &stored);
  TaskId attendHead(int64_t layer, int64_t keyHead, int64_t pass, TaskId logits, int64_t indexInGroup);
  TaskId layer(int64_t index, TaskId after);
  PimStep gwrite(TaskId &after, int64_t elements, std::function<std::vector<Half>()> source);
  void tile(int32_t row, int64_t column, int64_t comps, int64_t results);
  TaskId pim(Phase phase, int32_t firstStep, std::vector<TaskId> after);

  const Target &target;
  const DecoderWeights &weights;
  const ModelShape &shape;
  ValueContext &context;
  Program program;
  std::map<TaskId, std::function<void()>> actions;
  std::map<TaskId, Write> writes;
  std::map<TaskId, std::vector<Half>> results; ///< of PIM tasks
  Values hidden, normed, query, key, value, attended, summed, gate, up;
  std::map<std::pair<int64_t, int64_t>, Values> probabilities;
  Values output;
  Status problem;
};

} // namespace yoke::sim
