#include "Simulator/CommandExpander.h"

#include "Simulator/PublishedOps.h"
#include "Simulator/Schedule.h"

#include <cmath>

namespace yoke::sim {
namespace {

constexpr int64_t maxTasks = 1 << 22, maxSteps = 1 << 24, maxVisits = 1 << 25;
constexpr TaskId noTask = -1;

uint8_t queueOf(CommandPolicy policy, CommandCode code, bool pimStream) {
  bool overlapped = policy == CommandPolicy::Overlapped;
  switch (code) {
  case CommandCode::MoveIn:
    return overlapped ? uint8_t(loadEngine) : uint8_t(arrayLoad);
  case CommandCode::MoveOut:
  case CommandCode::MoveOutTo:
    return overlapped ? uint8_t(storeEngine) : pimStream ? uint8_t(pimStore) : uint8_t(arrayStore);
  case CommandCode::Gemm:
    return overlapped ? uint8_t(arrayEngine) : uint8_t(arrayExecute);
  case CommandCode::Vector:
    return overlapped ? uint8_t(vectorEngine) : pimStream ? uint8_t(pimExecute) : uint8_t(arrayExecute);
  case CommandCode::Pim:
    return overlapped ? uint8_t(pimEngine) : uint8_t(pimLoad);
  case CommandCode::AllReduce:
    return overlapped ? uint8_t(linkEngine) : uint8_t(publishedEngines);
  case CommandCode::Join:
  case CommandCode::Free:
  case CommandCode::Repeat:
    break;
  }
  return overlapped ? uint8_t(joinEngine) : uint8_t(publishedEngines);
}

class Expander {
public:
  Expander(const CommandProgram &commands, const Target &target) : commands(commands), target(target) {}

  Result<ExpandedStage> run(const CommandStage &stage) {
    YOKE_TRY(expand(stage.body));
    return std::move(result);
  }

private:
  Status visit() {
    if (++visits > maxVisits || int64_t(program.tasks.size()) > maxTasks || int64_t(program.steps.size()) > maxSteps)
      return failed("{}: a stage has more than {} tasks or {} PIM commands", commands.name, maxTasks, maxSteps);
    return {};
  }

  Status expand(const std::vector<CommandNode> &body) {
    for (const CommandNode &node : body) {
      YOKE_TRY(visit());
      if (node.code == CommandCode::Repeat)
        YOKE_TRY(repeat(node));
      else
        YOKE_TRY(command(node));
    }
    return {};
  }

  Status repeat(const CommandNode &node) {
    size_t base = values.size();
    std::vector<TaskId> carried = taken(node.operands);
    int64_t shiftBefore = rowShift;
    for (int64_t i = 0; i < node.amount; ++i) {
      YOKE_TRY(visit());
      values.insert(values.end(), carried.begin(), carried.end());
      YOKE_TRY(expand(node.body));
      carried = taken(node.yields);
      values.resize(base);
      rowShift += node.step;
    }
    rowShift = shiftBefore;
    values.insert(values.end(), carried.begin(), carried.end());
    return {};
  }

  std::vector<TaskId> taken(const std::vector<int32_t> &numbers) const {
    std::vector<TaskId> tasks;
    for (int32_t number : numbers)
      tasks.push_back(values[size_t(number)]);
    return tasks;
  }

  Status command(const CommandNode &node) {
    if (node.code == CommandCode::Join && node.operands.empty()) {
      values.push_back(noTask);
      return {};
    }
    Task task;
    task.engine = queueOf(commands.policy, node.code, node.pimStream);
    task.phase = node.phase;
    task.amount = node.amount;
    switch (node.code) {
    case CommandCode::MoveIn:
      task.kind = TaskKind::Load;
      task.amount = node.tile.bytes();
      task.rows = int32_t(node.tile.rows);
      task.reserve = node.resident ? task.amount : 0;
      break;
    case CommandCode::MoveOutTo:
      task.channel = int16_t(node.channel);
      task.bank = uint8_t(node.bank);
      task.row = int32_t(node.row);
      [[fallthrough]];
    case CommandCode::MoveOut:
      task.kind = TaskKind::Store;
      break;
    case CommandCode::Gemm:
      task.kind = TaskKind::Gemm;
      task.rows = int32_t(node.rows);
      task.latency = node.latency;
      task.preload = node.preload;
      break;
    case CommandCode::Vector:
      task.kind = TaskKind::Vector;
      break;
    case CommandCode::AllReduce:
      if (!target.link)
        return malformed("{}: the program has an all-reduce, target {} no link", commands.name, target.name);
      task.kind = TaskKind::Delay;
      task.rows = int32_t(node.rows);
      task.latency = node.amount;
      task.amount = int64_t(
          std::ceil(allReduceSeconds(*target.link, node.rows, double(node.amount)) * target.npu->clockMHz * 1e6));
      break;
    case CommandCode::Pim:
      task.kind = TaskKind::Pim;
      task.channel = int16_t(node.channel);
      task.firstStep = int32_t(program.steps.size());
      if (!target.pim)
        return malformed("{}: the program has PIM commands, target {} no pim", commands.name, target.name);
      YOKE_TRY(steps(node.pim));
      task.steps = int32_t(int64_t(program.steps.size()) - task.firstStep);
      if (task.steps == 0) {
        task.kind = TaskKind::Join;
        task.channel = -1;
      }
      break;
    case CommandCode::Join:
    case CommandCode::Free:
    case CommandCode::Repeat:
      task.kind = TaskKind::Join;
    }
    if (node.code == CommandCode::Free || node.frees)
      YOKE_TRY(release(task, values[size_t(node.operands.front())]));
    TaskId id = program.add(task);
    for (TaskId before : taken(node.operands))
      if (before >= 0)
        program.depend(id, before);
    if (node.mark)
      result.marks.push_back(id);
    values.push_back(id);
    return {};
  }

  Status release(Task &task, TaskId tile) {
    if (freed.size() < program.tasks.size())
      freed.resize(program.tasks.size());
    if (freed[size_t(tile)])
      return malformed("{}: a tile is freed twice", commands.name);
    freed[size_t(tile)] = true;
    task.release = program.tasks[size_t(tile)].reserve;
    task.tile = tile;
    return {};
  }

  Status steps(const std::vector<PimNode> &nodes) {
    for (const PimNode &node : nodes) {
      YOKE_TRY(visit());
      switch (node.code) {
      case PimCode::Gwrite:
        program.steps.push_back({CommandKind::Gwrite, false, 1, 0, uint8_t(node.bank), int32_t(node.row), noOwner, 0});
        break;
      case PimCode::Tile:
        YOKE_TRY(tile(node));
        break;
      case PimCode::Repeat: {
        int64_t &shift = inTile ? columnShift : rowShift, before = shift;
        for (int64_t i = 0; i < node.count; ++i, shift += node.step) {
          YOKE_TRY(visit());
          YOKE_TRY(steps(node.body));
        }
        shift = before;
        break;
      }
      default:
        YOKE_TRY(compute(node));
      }
    }
    return {};
  }

  Status tile(const PimNode &node) {
    tileRow = node.row + rowShift;
    if (tileRow < 0 || tileRow >= commands.machine.rows)
      return malformed("{}: row {} of a tile in a loop violates 0 <= row < {}", commands.name, tileRow,
                       commands.machine.rows);
    size_t header = program.steps.size();
    program.steps.push_back({CommandKind::Header, false, int16_t(node.count), 0, 0, int32_t(tileRow), noOwner, 0});
    results = 0;
    inTile = true;
    Status done = steps(node.body);
    inTile = false;
    YOKE_TRY(std::move(done));
    if (results == 0 || results > INT16_MAX || program.steps.back().kind == CommandKind::Comp)
      return malformed("{}: a tile of row {} has {} results: expected 1 to {}, the last command one of them",
                       commands.name, tileRow, results, INT16_MAX);
    program.steps[header].results = int16_t(results);
    program.steps.back().last = true;
    return {};
  }

  Status compute(const PimNode &node) {
    int64_t column = node.column + columnShift;
    if (column < 0 || column > maxCommandColumns)
      return malformed("{}: column {} in a loop violates 0 <= column <= {}", commands.name, column, maxCommandColumns);
    bool result = node.code == PimCode::ReadResult, comp = node.code == PimCode::Comp;
    results += !comp;
    CommandKind kind = result ? CommandKind::ReadResult : comp ? CommandKind::Comp : CommandKind::CompsReadResult;
    program.steps.push_back({kind, false, int16_t(result ? 1 : node.count), 1, 0, int32_t(tileRow), noOwner, 0,
                             int16_t(result ? 0 : column)});
    return {};
  }

  const CommandProgram &commands;
  const Target &target;
  ExpandedStage result;
  Program &program = result.program;
  std::vector<TaskId> values; ///< of each number; -1: nothing to wait for
  std::vector<bool> freed;
  int64_t visits = 0, rowShift = 0, columnShift = 0, tileRow = 0, results = 0;
  bool inTile = false;
};

} // namespace

Result<ExpandedStage> expandStage(const CommandProgram &program, const CommandStage &stage, const Target &target) {
  return Expander(program, target).run(stage);
}

} // namespace yoke::sim
