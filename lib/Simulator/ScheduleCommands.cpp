#include "Simulator/ScheduleCommands.h"

#include "Simulator/ScheduleBuilder.h"

#include <queue>

namespace yoke::sim {
namespace {

bool sameTile(const PimNode &a, const PimNode &b) { return a.count == b.count && a.body == b.body; }

/// How often the `period` nodes at `at` repeat, with everything that moves moving by the same `step` each time.
template <class Differ>
int64_t repeats(const std::vector<PimNode> &nodes, size_t at, size_t period, int64_t &step, Differ differ) {
  int64_t times = 1;
  for (size_t next = at + period; next + period <= nodes.size(); next += period, ++times) {
    for (size_t i = 0; i < period; ++i) {
      std::optional<int64_t> moved = differ(nodes[next - period + i], nodes[next + i]);
      if (!moved || (times > 1 || i > 0 ? *moved != step : false))
        return times;
      step = *moved;
    }
  }
  return times;
}

/// Repetitions of `period` nodes become loops.
template <class Differ> std::vector<PimNode> folded(std::vector<PimNode> nodes, size_t period, Differ differ) {
  std::vector<PimNode> result;
  for (size_t at = 0; at < nodes.size();) {
    int64_t step = 0, times = at + period <= nodes.size() ? repeats(nodes, at, period, step, differ) : 1;
    if (times < 2) {
      result.push_back(std::move(nodes[at++]));
      continue;
    }
    PimNode loop{PimCode::Repeat, 0, 0, 0, times, step, {}};
    loop.body.assign(nodes.begin() + int64_t(at), nodes.begin() + int64_t(at + period));
    result.push_back(std::move(loop));
    at += size_t(times) * period;
  }
  return result;
}

/// COMPS_READRES, or COMP and READRES, of growing columns.
std::vector<PimNode> foldComputations(std::vector<PimNode> nodes) {
  if (nodes.size() > 1 && nodes[0].code == PimCode::CompsResult)
    return folded(std::move(nodes), 1, [](const PimNode &a, const PimNode &b) -> std::optional<int64_t> {
      if (a.code != b.code || a.count != b.count)
        return std::nullopt;
      return b.column - a.column;
    });
  if (nodes.size() < 4 || nodes[0].code != PimCode::Comp)
    return nodes;
  int64_t step = nodes[2].column - nodes[0].column;
  return folded(std::move(nodes), 2, [step](const PimNode &a, const PimNode &b) -> std::optional<int64_t> {
    bool result = a.code == PimCode::ReadResult;
    if (a.code != b.code || a.count != b.count || (!result && b.column - a.column != step))
      return std::nullopt;
    return step;
  });
}

std::vector<PimNode> foldTiles(std::vector<PimNode> nodes) {
  return folded(std::move(nodes), 1, [](const PimNode &a, const PimNode &b) -> std::optional<int64_t> {
    if (a.code != PimCode::Tile || b.code != PimCode::Tile || !sameTile(a, b))
      return std::nullopt;
    return b.row - a.row;
  });
}

CommandNode commandOf(const Task &task, const PimStep *steps, int64_t elementBytes) {
  CommandNode node;
  node.phase = task.phase;
  node.amount = task.amount;
  switch (task.kind) {
  case TaskKind::Load: {
    node.code = CommandCode::MoveIn;
    node.resident = task.reserve > 0;
    int64_t rows = std::max<int64_t>(1, task.rows), row = task.amount / rows;
    node.tile =
        row % elementBytes ? TileShape{rows, row, 8} : TileShape{rows, row / elementBytes, uint8_t(8 * elementBytes)};
    node.amount = 0;
    break;
  }
  case TaskKind::Store:
    node.code = task.row >= 0 ? CommandCode::MoveOutTo : CommandCode::MoveOut;
    if (task.row >= 0) {
      node.channel = task.channel;
      node.bank = task.bank;
      node.row = task.row;
    }
    break;
  case TaskKind::Gemm:
    node.code = CommandCode::Gemm;
    node.rows = task.rows;
    node.latency = task.latency;
    node.preload = task.preload;
    node.frees = task.release > 0;
    break;
  case TaskKind::Vector:
    node.code = CommandCode::Vector;
    break;
  case TaskKind::Pim:
    node.code = CommandCode::Pim;
    node.channel = task.channel;
    node.pim = pimCommandsOf(steps + task.firstStep, task.steps);
    break;
  case TaskKind::Delay:
    node.code = CommandCode::AllReduce;
    node.amount = task.latency;
    node.rows = task.rows;
    break;
  case TaskKind::Join:
    node.code = task.release > 0 ? CommandCode::Free : CommandCode::Join;
  }
  if (!hasPhase(node.code))
    node.phase = Phase::Other;
  return node;
}

} // namespace

std::vector<PimNode> pimCommandsOf(const PimStep *steps, int64_t count) {
  std::vector<PimNode> nodes;
  for (int64_t i = 0; i < count; ++i) {
    const PimStep &step = steps[i];
    if (step.kind == CommandKind::Gwrite) {
      nodes.push_back({PimCode::Gwrite, step.bank, step.row, 0, 0, 0, {}});
      continue;
    }
    PimNode tile{PimCode::Tile, 0, step.row, 0, step.count, 0, {}};
    do {
      const PimStep &inner = steps[++i];
      PimCode code = inner.kind == CommandKind::Comp         ? PimCode::Comp
                     : inner.kind == CommandKind::ReadResult ? PimCode::ReadResult
                                                             : PimCode::CompsResult;
      bool result = code == PimCode::ReadResult;
      tile.body.push_back({code, 0, 0, result ? 0 : inner.column, result ? 0 : inner.count, 0, {}});
    } while (!steps[i].last);
    tile.body = foldComputations(std::move(tile.body));
    nodes.push_back(std::move(tile));
  }
  return foldTiles(std::move(nodes));
}

std::vector<CommandNode> commandsOf(const Program &program, int64_t carried, int64_t elementBytes,
                                    std::vector<int32_t> &numbers) {
  size_t count = program.tasks.size();
  std::vector<std::vector<TaskId>> inputs(count);
  std::vector<int64_t> pending(count, 0);
  for (size_t id = 0; id < count; ++id)
    for (TaskId next : program.successors[id])
      inputs[size_t(next)].push_back(TaskId(id));
  std::priority_queue<TaskId, std::vector<TaskId>, std::greater<>> ready;
  for (size_t id = 0; id < count; ++id) {
    std::vector<TaskId> &all = inputs[id];
    all.erase(std::unique(all.begin(), all.end()), all.end());
    const Task &task = program.tasks[id];
    TaskId freed = task.release > 0 ? task.tile : -1;
    if (freed >= 0 && std::find(all.begin(), all.end(), freed) == all.end())
      all.push_back(freed);
    std::sort(all.begin(), all.end(), [&](TaskId a, TaskId b) { // what is freed, tiles, the rest
      auto rank = [&](TaskId input) {
        bool load = task.kind == TaskKind::Gemm && program.tasks[size_t(input)].kind == TaskKind::Load;
        return input == freed ? 0 : load ? 1 : 2;
      };
      return std::pair(rank(a), a) < std::pair(rank(b), b);
    });
    pending[id] = int64_t(all.size());
    if (all.empty())
      ready.push(TaskId(id));
  }
  std::vector<std::vector<TaskId>> users(count);
  for (size_t id = 0; id < count; ++id)
    for (TaskId before : inputs[id])
      users[size_t(before)].push_back(TaskId(id));
  numbers.assign(count, -1);
  std::vector<CommandNode> nodes;
  int32_t made = 0;
  while (!ready.empty()) {
    TaskId id = ready.top();
    ready.pop();
    numbers[size_t(id)] = made++;
    if (id >= carried) {
      CommandNode node = commandOf(program.tasks[size_t(id)], program.steps.data(), elementBytes);
      for (TaskId before : inputs[size_t(id)])
        node.operands.push_back(numbers[size_t(before)]);
      nodes.push_back(std::move(node));
    }
    for (TaskId next : users[size_t(id)])
      if (--pending[size_t(next)] == 0)
        ready.push(next);
  }
  return nodes;
}

Result<CommandProgram> scheduleCommands(const Target &target, const ModelShape &model,
                                        const std::vector<Request> &batch, const ScheduleOptions &options,
                                        int64_t headRows) {
  ScheduleOptions single = options;
  single.blocks = 1;
  BlockSchedule block = YOKE_TRY(buildBlock(target, model, batch, single));
  int64_t last = target.memory->rows / 2 + block.rows * options.blocks;
  if (last > target.memory->rows - 16)
    return failed("{}: keys and values of {} blocks lie in rows up to {} of the fullest channel, of {}", target.name,
                  options.blocks, last, target.memory->rows - 16);
  CommandProgram program;
  program.name = model.name;
  program.target = target.name;
  program.machine = machineOf(target);
  program.scratchpadBytes = scheduleMachine(target, model, rowsOf(batch)).scratchpadBytes;
  CommandStage &stage = program.stages.emplace_back("blocks", std::vector<CommandNode>());
  auto carried = int64_t(block.inputs.size());
  stage.body.emplace_back(); // nothing to wait for
  CommandNode loop;
  loop.code = CommandCode::Repeat;
  loop.amount = options.blocks;
  loop.step = block.rows;
  loop.operands.assign(size_t(carried), 0);
  std::vector<int32_t> numbers;
  loop.body = commandsOf(block.schedule.program, carried, target.npu->elementBytes, numbers);
  int32_t outer = 1; // made before the loop
  auto shift = [&](std::vector<int32_t> &values) {
    for (int32_t &value : values)
      value += outer;
  };
  for (CommandNode &node : loop.body)
    shift(node.operands);
  int32_t end = numbers[size_t(block.schedule.blockEnds.front())];
  loop.body[size_t(end - carried)].mark = true;
  for (TaskId output : block.outputs)
    loop.yields.push_back(numbers[size_t(output)] + outer);
  stage.body.push_back(std::move(loop));
  if (headRows > 0) {
    Schedule head = YOKE_TRY(buildHead(target, model, headRows));
    program.stages.push_back({"head", commandsOf(head.program, 0, target.npu->elementBytes, numbers), {}});
  }
  return program;
}

CommandProgram publishedCommands(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                 PublishedSystem system, bool lifted) {
  CommandProgram program;
  program.name = model.name;
  program.target = target.name;
  program.machine = machineOf(target);
  program.streamBytes = publishedOptions(target, model, system).addressWrap;
  if (system == PublishedSystem::NpuOnly)
    program.policy = CommandPolicy::PublishedNpu;
  else if (system == PublishedSystem::NaiveNpuPim)
    program.policy = lifted ? CommandPolicy::NpuPim : CommandPolicy::PublishedNpuPim;
  else
    program.policy = lifted ? CommandPolicy::NeuPims : CommandPolicy::PublishedNeuPims;
  for (PublishedStage &stage : publishedStages(target, model, batch, system)) {
    std::vector<int32_t> numbers;
    program.stages.push_back({stage.name, commandsOf(stage.program, 0, target.npu->elementBytes, numbers), {}});
  }
  return program;
}

} // namespace yoke::sim
