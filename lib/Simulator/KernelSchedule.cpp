#include "Simulator/KernelSchedule.h"

#include "Simulator/ScheduleCommands.h"

namespace yoke::sim {

KernelSchedule::KernelSchedule(const Target &target, const ModelShape &model)
    : KernelScheduleState{model}, ScheduleBuilder(target, attentionShape, chosen, made) {}

TaskId KernelSchedule::load(int64_t bytes, Phase phase, TaskId after) {
  return add(TaskKind::Load, loadEngine, phase, bytes, {after});
}

TaskId KernelSchedule::all(const std::vector<TaskId> &inputs) {
  std::vector<TaskId> tasks;
  for (TaskId input : inputs)
    if (input >= 0 && std::find(tasks.begin(), tasks.end(), input) == tasks.end())
      tasks.push_back(input);
  if (tasks.size() < 2)
    return tasks.empty() ? -1 : tasks.front();
  TaskId together = join();
  for (TaskId input : tasks)
    program.depend(together, input);
  return together;
}

TaskId KernelSchedule::elementwise(int64_t rows, int64_t width, int64_t passes, Phase phase, TaskId after) {
  return vectors(rows, passes * lanes(width), phase, after);
}

TaskId KernelSchedule::norm(int64_t rows, int64_t width, TaskId after) {
  return vectors(rows, normCycles(width), Phase::Norm, after);
}

TaskId KernelSchedule::product(bool onPim, int64_t rows, int64_t inputs, int64_t outputs, Phase phase, TaskId after) {
  std::vector<TaskId> parts;
  if (!onPim) {
    for (int64_t column = 0; column < outputs; column += npu.arrayColumns) {
      Slice slice = weights(inputs, std::min(npu.arrayColumns, outputs - column), phase);
      parts.push_back(multiply(slice, rows, phase, after));
    }
    return all(parts);
  }
  int64_t macs = target.pim->macsPerBank, width = ceilDivide(inputs, macs) * macs;
  int64_t groups = ceilDivide(outputs, memory.banksPerChannel() * memory.channels);
  int64_t outputsPerRow = std::max<int64_t>(1, page / width);
  matrixRows += ceilDivide(inputs, page) * ceilDivide(groups, outputsPerRow);
  for (int64_t row = 0; row < rows; ++row)
    parts.push_back(productOnPim(inputs, outputs, memory.rows - vectorRows - matrixRows, phase, after));
  return all(parts);
}

/// One row of activations: the vector buffer holds no more.
TaskId KernelSchedule::productOnPim(int64_t inputs, int64_t outputs, int64_t firstRow, Phase phase, TaskId after) {
  int64_t banks = memory.banksPerChannel(), macs = target.pim->macsPerBank, chunks = ceilDivide(inputs, page);
  int64_t width = ceilDivide(inputs, macs) * macs, outputsPerRow = std::max<int64_t>(1, page / width);
  std::vector<TaskId> parts;
  for (int64_t channel = 0; channel < memory.channels && channel * banks < outputs; ++channel) {
    int64_t groups = ceilDivide(outputs - channel * banks, banks * memory.channels);
    Request here{1, int32_t(channel)};
    TaskId written = join();
    auto first = int32_t(program.steps.size());
    auto row = int32_t(firstRow);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      PimStep gwrite;
      int64_t elements = std::min(page, inputs - chunk * page);
      program.depend(written, vectorStore(here, elements, after, gwrite));
      program.steps.push_back(gwrite);
      for (int64_t group = 0; group < groups; group += outputsPerRow)
        tile(row++, 0, ceilDivide(elements, macs), std::min(outputsPerRow, groups - group), ceilDivide(elements, macs));
    }
    parts.push_back(pim(here.channel, phase, first, written));
  }
  TaskId done = all(parts);
  return chunks > 1 ? vectors(1, (chunks - 1) * lanes(outputs), phase, done) : done;
}

TaskId KernelSchedule::attention(bool onPim, const std::vector<Request> &requests, TaskId after) {
  chosen.attentionOnPim = onPim;
  std::vector<TaskId> heads;
  for (int64_t head = 0; head < model.headsPerDevice(); ++head)
    heads.push_back(join());
  for (int64_t group = 0; group < groups; ++group)
    ScheduleBuilder::attention(requests, group, after, heads);
  return all(heads);
}

Result<CommandProgram> KernelSchedule::finish(TaskId last, std::string name) const {
  int64_t taken = rowsTaken() + matrixRows + vectorRows, half = memory.rows - memory.rows / 2;
  if (taken > half)
    return failed("{}: keys and values take {} rows of a channel, matrices in the banks {}, vectors {}, of {}",
                  target.name, rowsTaken(), matrixRows, vectorRows, half);
  CommandProgram commands;
  commands.name = std::move(name);
  commands.target = target.name;
  commands.machine = machineOf(target);
  commands.scratchpadBytes = npu.scratchpadBytes / 2; // the other half is for activations
  CommandStage &stage = commands.stages.emplace_back("step", std::vector<CommandNode>(), std::vector<TimedCommand>());
  std::vector<int32_t> numbers;
  stage.body = commandsOf(made.program, 0, npu.elementBytes, numbers);
  if (last >= 0) {
    CommandNode end;
    end.operands.push_back(numbers[size_t(last)]);
    end.mark = true;
    stage.body.push_back(std::move(end));
  }
  return commands;
}

} // namespace yoke::sim
