#include "Simulator/ProgramBuilder.h"

#include <algorithm>

namespace yoke::sim {

TaskId ProgramBuilder::add(TaskKind kind, ScheduleEngine engine, Phase phase, int64_t amount,
                           std::initializer_list<TaskId> after) {
  Task task;
  task.kind = kind;
  task.engine = engine;
  task.phase = phase;
  task.amount = amount;
  TaskId id = program.add(task);
  for (TaskId before : after)
    depend(id, before);
  return id;
}

TaskId ProgramBuilder::vectors(int64_t rows, int64_t cyclesPerRow, Phase phase, TaskId after) {
  int64_t units = std::min(rows, npu.vectorUnits);
  TaskId done = join();
  for (int64_t unit = 0; unit < units; ++unit) {
    int64_t share = rows / units + (unit < rows % units);
    depend(done, add(TaskKind::Vector, vectorEngine, phase, share * cyclesPerRow, {after}));
  }
  return done;
}

TaskId ProgramBuilder::product(Phase phase, int64_t bytes, int64_t busy, TaskId after) {
  TaskId load = add(TaskKind::Load, loadEngine, phase, bytes, {});
  program.tasks[size_t(load)].reserve = bytes;
  TaskId id = add(TaskKind::Gemm, arrayEngine, phase, busy, {load, after});
  program.tasks[size_t(id)].latency = npu.arrayRows + npu.arrayColumns;
  program.tasks[size_t(id)].release = bytes;
  program.tasks[size_t(id)].tile = load;
  return id;
}

TaskId ProgramBuilder::storeAt(BankRow place, int64_t bytes, Phase phase, TaskId after) {
  TaskId id = add(TaskKind::Store, storeEngine, phase, bytes, {after});
  Task &task = program.tasks[size_t(id)];
  task.channel = place.channel;
  task.bank = place.bank;
  task.row = place.row;
  return id;
}

void ProgramBuilder::tile(int32_t row, int64_t column, int64_t comps, int64_t results, int64_t spacing) {
  program.steps.push_back({CommandKind::Header, false, int16_t(comps * results), int16_t(results), 0, row, noOwner, 0});
  for (int64_t i = 0; i < results; ++i) {
    bool last = i + 1 == results;
    int16_t first = int16_t(column + i * spacing);
    if (target.pim->compositeCommands) {
      program.steps.push_back({CommandKind::CompsReadResult, last, int16_t(comps), 1, 0, row, noOwner, 0, first});
      continue;
    }
    program.steps.push_back({CommandKind::Comp, false, int16_t(comps), 1, 0, row, noOwner, 0, first});
    program.steps.push_back({CommandKind::ReadResult, last, 1, 1, 0, row, noOwner, 0});
  }
}

TaskId ProgramBuilder::pim(int64_t channel, Phase phase, int32_t firstStep, TaskId after) {
  TaskId id = add(TaskKind::Pim, pimEngine, phase, 0, {after});
  Task &task = program.tasks[size_t(id)];
  task.channel = int16_t(channel);
  task.firstStep = firstStep;
  task.steps = nextStep() - firstStep;
  return id;
}

BankRow ProgramBuilder::vectorPlace(int64_t channel, int64_t number) const {
  int64_t banks = memory.banksPerChannel();
  return {int16_t(channel), uint8_t(number % banks), int32_t(memory.rows - 1 - number / banks % vectorRows)};
}

int64_t ProgramBuilder::tree(int64_t size) const {
  int64_t steps = 1;
  for (; size > npu.vectorLanes; size = lanes(size))
    steps += lanes(size);
  return steps;
}

int64_t ProgramBuilder::attentionCycles(int64_t length, int64_t rows, int64_t queries, int64_t headSize) const {
  int64_t columnTiles = ceilDivide(headSize, npu.arrayColumns), busy = 0;
  for (int64_t key = 0; key < length; key += npu.arrayRows) {
    int64_t needed = rows - std::max<int64_t>(0, key - (length - rows));
    busy += columnTiles * std::max(needed * queries, npu.arrayRows);
  }
  return busy;
}

} // namespace yoke::sim
