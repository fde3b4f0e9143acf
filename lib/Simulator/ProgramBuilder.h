// Appends tasks to a program: what schedules of shapes and programs with values have in common.
#pragma once

#include "Simulator/Machine.h"

#include <initializer_list>

namespace yoke::sim {

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

/// A row of a bank of a channel.
struct BankRow {
  int16_t channel;
  uint8_t bank;
  int32_t row;
};

class ProgramBuilder {
public:
  ProgramBuilder(const Target &target, Program &program)
      : target(target), npu(*target.npu), memory(*target.memory), program(program) {}

  /// The tasks of `after` that are negative do not exist.
  TaskId add(TaskKind kind, ScheduleEngine engine, Phase phase, int64_t amount, std::initializer_list<TaskId> after);
  TaskId join(std::initializer_list<TaskId> after = {}) {
    return add(TaskKind::Join, joinEngine, Phase::Other, 0, after);
  }
  void depend(TaskId after, TaskId before) {
    if (before >= 0)
      program.depend(after, before);
  }

  /// `rows` rows of `cyclesPerRow` cycles each, spread over the vector units.
  TaskId vectors(int64_t rows, int64_t cyclesPerRow, Phase phase, TaskId after);
  /// What streams from memory, multiplied by what is in the NPU: `busy` array cycles.
  TaskId product(Phase phase, int64_t bytes, int64_t busy, TaskId after);
  TaskId storeAt(BankRow place, int64_t bytes, Phase phase, TaskId after);
  /// A tile of `results` results with `comps` COMPs each. The first begins at column `column` of `row`, each other
  /// `spacing` columns after the one before.
  void tile(int32_t row, int64_t column, int64_t comps, int64_t results, int64_t spacing);
  void append(const PimStep &step) { program.steps.push_back(step); }
  static PimStep gwrite(BankRow vector) {
    return {CommandKind::Gwrite, false, 1, 0, vector.bank, vector.row, noOwner, 0};
  }
  /// The steps from `firstStep` to the last that there is, as one task.
  TaskId pim(int64_t channel, Phase phase, int32_t firstStep, TaskId after);
  int32_t nextStep() const { return int32_t(program.steps.size()); }
  /// Where vector number `number` of a channel lies for its GWRITE: rows at the end of the banks, in turn.
  BankRow vectorPlace(int64_t channel, int64_t number) const;
  static constexpr int64_t vectorRows = 16;

  static int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
  /// Cycles of a vector unit for one row of `size` elements.
  int64_t lanes(int64_t size) const { return ceilDivide(size, npu.vectorLanes); }
  int64_t normCycles(int64_t size) const { return 2 * tree(size) + 3 + 5 * lanes(size); }
  int64_t softmaxCycles(int64_t size) const { return 2 * tree(size) + 3 * lanes(size); }
  /// Array cycles of `rows` new rows, `queries` query heads each, times the keys (or values) of a head of `headSize`
  /// elements: a tile of keys that begins within the new tokens is needed by the later rows only.
  int64_t attentionCycles(int64_t length, int64_t rows, int64_t queries, int64_t headSize) const;

protected:
  const Target &target;
  const NpuTarget &npu;
  const MemoryTarget &memory;
  Program &program;

private:
  int64_t tree(int64_t size) const;
};

} // namespace yoke::sim
