// A program that computes: what each task does when it ends, what each store writes, what each PIM task reads.
#pragma once

#include "Simulator/DeviceValues.h"

#include <functional>
#include <map>

namespace yoke::sim {

class ValueProgram : public ProgramBuilder, public MachineObserver {
public:
  using Action = std::function<Status()>;
  /// Yields the elements that a store writes, when the controller has accepted it: reads find them from then on, though
  /// the command may come later.
  using Source = std::function<std::vector<float>()>;

  explicit ValueProgram(DeviceValues &values) : ProgramBuilder(values.target, own), values(values) {}

  void whenDone(TaskId task, Action action) { actions[task] = std::move(action); }
  /// Writes `elements` elements from element `first` of a row on, a whole number of accesses.
  TaskId write(BankRow place, int64_t first, int64_t elements, Phase phase, TaskId after, Source source);
  /// Writes a vector to a row of its own and appends its GWRITE to `vectors`. `users` of the row before wait.
  struct Vector {
    TaskId written;
    PimStep step;
    size_t place;
  };
  Vector vector(int64_t channel, int64_t elements, Phase phase, TaskId after, Source source);
  /// Says that `task` reads the vector: its row is not written anew before.
  void reads(const Vector &vector, TaskId task) { lastReader[vector.place] = task; }
  /// The elements that a PIM task has read: of each READRES in turn one a bank.
  const std::vector<float> &results(TaskId pim) { return read[pim]; }

  bool empty() const { return program.tasks.empty(); }
  /// Runs what has been added, after which task numbers begin anew. Error: the first action or command that failed.
  Status run(Machine &machine);

  void taskFinished(TaskId task) override;
  void commandIssued(int32_t channel, const Command &command, TaskId task) override;

private:
  Program own;
  DeviceValues &values;
  std::map<TaskId, Action> actions;
  std::map<TaskId, std::vector<float>> read;
  std::map<int64_t, int64_t> nextVector; ///< by channel
  std::map<size_t, TaskId> lastReader;
  Status problem;
};

} // namespace yoke::sim
