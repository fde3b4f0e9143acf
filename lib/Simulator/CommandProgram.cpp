#include "Simulator/CommandProgram.h"

namespace yoke::sim {
namespace {

constexpr int64_t most = int64_t(1) << 60;

int64_t times(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? most : std::min(product, most);
}

void count(const std::vector<PimNode> &nodes, int64_t repeats, CommandProgramSize &size) {
  for (const PimNode &node : nodes) {
    ++size.pimNodes;
    bool loop = node.code == PimCode::Repeat;
    if (node.code == PimCode::Tile)
      size.tiles = std::min(most, size.tiles + repeats);
    if (!loop)
      size.pimCommands = std::min(most, size.pimCommands + repeats);
    count(node.body, loop ? times(repeats, node.count) : repeats, size);
  }
}

void count(const std::vector<CommandNode> &nodes, int64_t repeats, CommandProgramSize &size) {
  for (const CommandNode &node : nodes) {
    ++size.nodes;
    bool loop = node.code == CommandCode::Repeat;
    bool out = node.code == CommandCode::MoveOut || node.code == CommandCode::MoveOutTo;
    int64_t bytes = node.code == CommandCode::MoveIn ? node.tile.bytes() : out ? node.amount : 0;
    size.bytesMoved = std::min(most, size.bytesMoved + times(repeats, bytes));
    if (!loop)
      size.commands = std::min(most, size.commands + repeats);
    count(node.pim, repeats, size);
    count(node.body, loop ? times(repeats, node.amount) : repeats, size);
  }
}

std::string outside(std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high)
    return {};
  return fmt::format("expected {} <= {} <= {}, found {}", low, what, high, value);
}

/// The first rule that is broken.
std::string first(std::initializer_list<std::string> rules) {
  for (const std::string &rule : rules)
    if (!rule.empty())
      return rule;
  return {};
}

std::string brokenRule(const TileShape &tile) {
  if (tile.bits != 4 && tile.bits != 8 && tile.bits != 16 && tile.bits != 32)
    return fmt::format("expected elements of 4, 8, 16 or 32 bits, found {}", tile.bits);
  std::string rule = first({outside("rows", tile.rows, 1, INT32_MAX), outside("columns", tile.columns, 1, INT32_MAX)});
  if (!rule.empty())
    return rule;
  if (tile.rows > maxCommandAmount / tile.columns)
    return fmt::format("expected a tile of at most {} elements, found {} x {}", maxCommandAmount, tile.rows,
                       tile.columns);
  if (tile.rows * tile.columns * tile.bits % 8)
    return fmt::format("expected a tile of whole bytes, found {} x {} elements of {} bits", tile.rows, tile.columns,
                       tile.bits);
  return {};
}

} // namespace

std::string_view policyName(CommandPolicy policy) {
  constexpr std::string_view names[commandPolicies] = {"overlapped", "published_npu",     "npu_pim",
                                                       "neupims",    "published_npu_pim", "published_neupims"};
  return names[size_t(policy)];
}

CommandMachine machineOf(const Target &target) {
  const MemoryTarget &memory = *target.memory;
  return {memory.channels, memory.banksPerChannel(), memory.rows, memory.rowBytes};
}

CommandProgramSize sizeOf(const CommandProgram &program) {
  CommandProgramSize size;
  for (const CommandStage &stage : program.stages)
    count(stage.body, 1, size);
  for (const CommandStage &stage : program.stages) {
    size.pimNodes += int64_t(stage.issued.size());
    size.pimCommands += int64_t(stage.issued.size());
  }
  return size;
}

std::string brokenRule(const CommandMachine &machine) {
  return first({outside("channels", machine.channels, 1, INT16_MAX), outside("banks", machine.banks, 1, 64),
                outside("rows", machine.rows, 1, 1 << 30), outside("row_bytes", machine.rowBytes, 1, 1 << 20)});
}

std::string brokenRule(const TimedCommand &timed, const CommandMachine &machine) {
  const Command &command = timed.command;
  return first({outside("cycle", timed.cycle, 0, INT64_MAX / 4),
                outside("channel", timed.channel, 0, machine.channels - 1),
                outside("bank", command.bank, 0, machine.banks - 1), outside("row", command.row, -1, machine.rows - 1),
                outside("column", command.column, 0, maxCommandColumns)});
}

std::string brokenRule(const CommandNode &node, const CommandMachine &machine) {
  switch (node.code) {
  case CommandCode::MoveIn:
    return brokenRule(node.tile);
  case CommandCode::MoveOutTo: {
    std::string rule = first(
        {outside("bytes", node.amount, 1, machine.rowBytes), outside("channel", node.channel, 0, machine.channels - 1),
         outside("bank", node.bank, 0, machine.banks - 1), outside("row", node.row, 0, machine.rows - 1)});
    return rule;
  }
  case CommandCode::MoveOut:
    return outside("bytes", node.amount, 1, maxCommandAmount);
  case CommandCode::Gemm:
    return first({outside("rows", node.rows, 0, INT32_MAX), outside("cycles", node.amount, 1, maxCommandAmount),
                  outside("latency", node.latency, 0, maxCommandAmount)});
  case CommandCode::Vector:
    return outside("cycles", node.amount, 0, maxCommandAmount);
  case CommandCode::AllReduce:
    return first({outside("bytes", node.amount, 1, maxCommandAmount), outside("devices", node.rows, 2, 1 << 16)});
  case CommandCode::Pim:
    return outside("channel", node.channel, 0, machine.channels - 1);
  case CommandCode::Repeat:
    return first(
        {outside("times", node.amount, 1, maxCommandRepeats), outside("rows", node.step, -machine.rows, machine.rows)});
  case CommandCode::Join:
  case CommandCode::Free:
    break;
  }
  return {};
}

std::string brokenRule(const PimNode &node, const CommandMachine &machine, bool inTile) {
  switch (node.code) {
  case PimCode::Gwrite:
    if (inTile)
      return "expected a computation inside a tile, found a gwrite";
    return first({outside("bank", node.bank, 0, machine.banks - 1), outside("row", node.row, 0, machine.rows - 1)});
  case PimCode::Tile:
    if (inTile)
      return "expected a computation inside a tile, found a tile";
    return first({outside("row", node.row, 0, machine.rows - 1), outside("comps", node.count, 1, maxCommandColumns)});
  case PimCode::Repeat: {
    int64_t limit = inTile ? maxCommandColumns : machine.rows;
    return first({outside("times", node.count, 1, maxCommandRepeats), outside("step", node.step, -limit, limit)});
  }
  case PimCode::Comp:
  case PimCode::CompsResult:
  case PimCode::ReadResult:
    if (!inTile)
      return "expected computations inside a tile";
    if (node.code == PimCode::ReadResult)
      return {};
    return first(
        {outside("column", node.column, 0, maxCommandColumns), outside("count", node.count, 1, maxCommandColumns)});
  }
  return {};
}

} // namespace yoke::sim
