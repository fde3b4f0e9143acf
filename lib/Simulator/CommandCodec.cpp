#include "Simulator/CommandCodec.h"

#include "Support/Hash.h"

namespace yoke::sim {
namespace {

enum Flag : uint8_t { pimStreamFlag = 1, preloadFlag = 2, residentFlag = 4, freesFlag = 8, markFlag = 16 };
constexpr int64_t inlineOperands = 7; ///< that fit beside the flags; this number: a count follows

/// The flags that a command may have.
uint8_t flagsOf(CommandCode code) {
  switch (code) {
  case CommandCode::MoveIn:
    return residentFlag;
  case CommandCode::MoveOut:
  case CommandCode::Vector:
    return pimStreamFlag;
  case CommandCode::Gemm:
    return preloadFlag | freesFlag;
  case CommandCode::Join:
    return markFlag;
  default:
    return 0;
  }
}

class Encoder {
public:
  std::string run(const CommandProgram &program) {
    text(program.name);
    text(program.target);
    for (int64_t size :
         {program.machine.channels, program.machine.banks, program.machine.rows, program.machine.rowBytes})
      number(size);
    byte(uint8_t(program.policy));
    number(program.scratchpadBytes);
    number(program.streamBytes);
    number(int64_t(program.stages.size()));
    for (const CommandStage &stage : program.stages) {
      text(stage.name);
      made = 0;
      list(stage.body);
      list(stage.issued);
    }
    return std::move(bytes);
  }

private:
  void byte(uint8_t value) { bytes.push_back(char(value)); }
  void number(int64_t value) {
    for (auto rest = uint64_t(value);; rest >>= 7) {
      byte(uint8_t((rest & 127) | (rest > 127 ? 128 : 0)));
      if (rest <= 127)
        return;
    }
  }
  void signedNumber(int64_t value) { number((value << 1) ^ (value >> 63)); }
  void text(const std::string &value) {
    number(int64_t(value.size()));
    bytes += value;
  }
  void values(const std::vector<int32_t> &numbers) {
    for (int32_t each : numbers)
      number(made - each);
  }

  void list(const std::vector<CommandNode> &nodes) {
    number(int64_t(nodes.size()));
    for (const CommandNode &each : nodes)
      node(each);
  }

  void node(const CommandNode &node) {
    byte(uint8_t(uint8_t(node.code) | uint8_t(node.phase) << 4));
    auto operands = int64_t(node.operands.size());
    byte(uint8_t((node.pimStream ? pimStreamFlag : 0) | (node.preload ? preloadFlag : 0) |
                 (node.resident ? residentFlag : 0) | (node.frees ? freesFlag : 0) | (node.mark ? markFlag : 0) |
                 std::min(operands, inlineOperands) << 5));
    if (operands >= inlineOperands)
      number(operands - inlineOperands);
    values(node.operands);
    switch (node.code) {
    case CommandCode::MoveIn:
      number(node.tile.rows);
      number(node.tile.columns);
      byte(node.tile.bits);
      break;
    case CommandCode::MoveOut:
    case CommandCode::Vector:
      number(node.amount);
      break;
    case CommandCode::MoveOutTo:
      number(node.amount);
      number(node.channel);
      number(node.bank);
      number(node.row);
      break;
    case CommandCode::Gemm:
      number(node.rows);
      number(node.amount);
      number(node.latency);
      break;
    case CommandCode::AllReduce:
      number(node.amount);
      number(node.rows);
      break;
    case CommandCode::Pim:
      number(node.channel);
      list(node.pim);
      break;
    case CommandCode::Join:
    case CommandCode::Free:
      break;
    case CommandCode::Repeat: {
      number(node.amount);
      signedNumber(node.step);
      int64_t before = made;
      made += operands;
      list(node.body);
      values(node.yields);
      made = before + operands;
      return;
    }
    }
    ++made;
  }

  void list(const std::vector<PimNode> &nodes) {
    number(int64_t(nodes.size()));
    for (const PimNode &each : nodes)
      node(each);
  }

  void list(const std::vector<TimedCommand> &issued) {
    number(int64_t(issued.size()));
    int64_t cycle = 0;
    for (const TimedCommand &timed : issued) {
      byte(uint8_t(timed.command.kind));
      signedNumber(timed.cycle - std::exchange(cycle, timed.cycle));
      number(timed.channel);
      number(timed.command.bank);
      number(timed.command.count);
      number(timed.command.row + 1);
      number(timed.command.column);
    }
  }

  void node(const PimNode &node) {
    byte(uint8_t(node.code));
    switch (node.code) {
    case PimCode::Gwrite:
      number(node.bank);
      number(node.row);
      break;
    case PimCode::Tile:
      number(node.row);
      number(node.count);
      list(node.body);
      break;
    case PimCode::Repeat:
      number(node.count);
      signedNumber(node.step);
      list(node.body);
      break;
    case PimCode::Comp:
    case PimCode::CompsResult:
      number(node.column);
      number(node.count);
      break;
    case PimCode::ReadResult:
      break;
    }
  }

  std::string bytes;
  int64_t made = 0;
};

/// Reads until the first rule that is broken; after that everything is 0 and `problem` says why.
class Decoder {
public:
  Decoder(std::string_view bytes, std::string_view source) : bytes(bytes), source(source) {}

  Result<CommandProgram> run() {
    CommandProgram program;
    if (!header())
      return tl::unexpected(std::move(*problem));
    program.name = text("name");
    program.target = text("target");
    CommandMachine &machine = program.machine;
    for (int64_t *size : {&machine.channels, &machine.banks, &machine.rows, &machine.rowBytes})
      *size = number("a size of the machine", 0, INT32_MAX);
    rule(brokenRule(machine));
    sizes = machine;
    program.policy = CommandPolicy(byte("the policy", commandPolicies - 1));
    program.scratchpadBytes = number("scratchpad bytes", 0, maxCommandAmount);
    program.streamBytes = number("stream bytes", 0, maxCommandAmount);
    for (int64_t count = number("stages", 0, 4096); count > 0 && !problem; --count) {
      CommandStage &stage = program.stages.emplace_back();
      stage.name = text("stage");
      values.clear();
      list(stage.body, 0);
      list(stage.issued);
      if (!stage.body.empty() && !stage.issued.empty())
        fail("expected a stage of commands to run or of commands at their cycles, found both");
    }
    if (!problem && at != bytes.size())
      fail("expected the end, found {} more bytes", bytes.size() - at);
    if (problem)
      return tl::unexpected(std::move(*problem));
    return program;
  }

private:
  enum class Value : uint8_t { Token, Tile, ResidentTile };

  template <class... Args> void fail(fmt::format_string<Args...> format, Args &&...args) {
    if (!problem)
      problem = Error{ErrorKind::Malformed,
                      fmt::format("{}: byte {}: {}", source, at, fmt::format(format, std::forward<Args>(args)...))};
  }
  void rule(const std::string &broken) {
    if (!broken.empty())
      fail("{}", broken);
  }

  uint64_t fixed(size_t offset, size_t width) const {
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i)
      value |= uint64_t(uint8_t(bytes[offset + i])) << 8 * i;
    return value;
  }

  bool header() {
    if (bytes.size() < commandHeaderBytes || !bytes.starts_with(commandMagic))
      fail("expected a command program: `{}` and a header of {} bytes", commandMagic, commandHeaderBytes);
    else if (fixed(8, 2) != commandVersion)
      fail("expected version {}, found {}", commandVersion, fixed(8, 2));
    else if (fixed(10, 6) != 0)
      fail("expected bytes 10 to 15 to be 0");
    else if (fixed(16, 8) != bytes.size())
      fail("expected {} bytes, as the header says, found {}", fixed(16, 8), bytes.size());
    else if (fixed(24, 8) != commandHash(bytes.substr(commandHeaderBytes)))
      fail("the hash in the header is not that of the contents");
    at = commandHeaderBytes;
    return !problem;
  }

  uint8_t byte(std::string_view what, uint64_t most) {
    if (at >= bytes.size())
      fail("expected {}, found the end", what);
    if (problem)
      return 0;
    auto value = uint8_t(bytes[at]);
    if (value > most)
      fail("expected {} of at most {}, found {}", what, most, value);
    ++at;
    return problem ? 0 : value;
  }

  int64_t number(std::string_view what, int64_t low, int64_t high) {
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      uint8_t next = byte(what, 255);
      value |= uint64_t(next & 127) << shift;
      if (next > 127)
        continue;
      if (next == 0 && shift > 0)
        fail("expected {} in its shortest form", what);
      else if (int64_t(value) < low || int64_t(value) > high)
        fail("expected {} <= {} <= {}, found {}", low, what, high, value);
      return problem ? low : int64_t(value);
    }
    fail("expected {} of at most 9 bytes", what);
    return low;
  }
  int64_t signedNumber(std::string_view what) {
    auto value = uint64_t(number(what, 0, INT64_MAX));
    return int64_t(value >> 1) ^ -int64_t(value & 1);
  }
  int64_t amount(std::string_view what) { return number(what, 0, maxCommandAmount); }

  std::string text(std::string_view what) {
    auto size = size_t(number(what, 0, int64_t(maxCommandName)));
    if (!problem && size > bytes.size() - at)
      fail("expected a {} of {} bytes, found the end", what, size);
    if (problem)
      return {};
    at += size;
    return std::string(bytes.substr(at - size, size));
  }

  /// Every element takes a byte at least, which bounds what a count can promise.
  int64_t count(std::string_view what) {
    int64_t value = number(what, 0, int64_t(bytes.size() - at));
    nodes += value;
    if (nodes > maxCommandNodes)
      fail("expected at most {} commands", maxCommandNodes);
    return problem ? 0 : value;
  }

  void numbers(std::vector<int32_t> &result, int64_t count) {
    auto made = int64_t(values.size());
    if (count > int64_t(bytes.size() - at))
      fail("expected {} values, found the end", count);
    for (; count > 0 && !problem; --count)
      result.push_back(int32_t(made - number("the distance to a value", 1, made)));
  }

  void list(std::vector<CommandNode> &body, int64_t depth) {
    if (depth > commandDepth)
      fail("expected at most {} loops in each other", commandDepth);
    for (int64_t left = count("commands"); left > 0 && !problem; --left)
      node(body.emplace_back(), depth);
  }

  void node(CommandNode &node, int64_t depth) {
    uint8_t kind = byte("a command", 255);
    if ((kind & 15) >= commandCodes || (kind >> 4) >= phases)
      return fail("expected a command of the {} and a phase of the {}, found {} and {}", commandCodes, phases,
                  kind & 15, kind >> 4);
    node.code = CommandCode(kind & 15);
    node.phase = Phase(kind >> 4);
    if (node.phase != Phase::Other && !hasPhase(node.code))
      fail("expected no phase, found {}", phaseName(node.phase));
    uint8_t flags = byte("flags", 255);
    if (flags & 31 & ~flagsOf(node.code))
      fail("expected no flags that the command has not, found {}", flags & 31);
    node.pimStream = flags & pimStreamFlag;
    node.preload = flags & preloadFlag;
    node.resident = flags & residentFlag;
    node.frees = flags & freesFlag;
    node.mark = flags & markFlag;
    int64_t operands = flags >> 5;
    if (operands == inlineOperands)
      operands += number("operands", 0, int64_t(bytes.size() - at));
    numbers(node.operands, operands);
    if (!problem && (node.code == CommandCode::Free || node.frees) &&
        (node.operands.empty() || values[size_t(node.operands.front())] != Value::ResidentTile))
      fail("expected a resident tile as the first operand of what frees it");
    if (node.mark && node.operands.empty())
      fail("expected a mark to have operands");
    fields(node, depth);
  }

  void fields(CommandNode &node, int64_t depth) {
    Value made = Value::Token;
    switch (node.code) {
    case CommandCode::MoveIn:
      node.tile.rows = amount("rows");
      node.tile.columns = amount("columns");
      node.tile.bits = byte("bits", 32);
      made = node.resident ? Value::ResidentTile : Value::Tile;
      break;
    case CommandCode::MoveOut:
    case CommandCode::Vector:
      node.amount = amount("an amount");
      break;
    case CommandCode::MoveOutTo:
      node.amount = amount("bytes");
      node.channel = amount("channel");
      node.bank = amount("bank");
      node.row = amount("row");
      break;
    case CommandCode::Gemm:
      node.rows = amount("rows");
      node.amount = amount("cycles");
      node.latency = amount("latency");
      break;
    case CommandCode::AllReduce:
      node.amount = amount("bytes");
      node.rows = amount("devices");
      break;
    case CommandCode::Pim:
      node.channel = amount("channel");
      list(node.pim, 0, false);
      break;
    case CommandCode::Join:
    case CommandCode::Free:
      break;
    case CommandCode::Repeat:
      return loop(node, depth);
    }
    if (!problem)
      rule(brokenRule(node, sizes));
    values.push_back(made);
  }

  void loop(CommandNode &node, int64_t depth) {
    node.amount = amount("times");
    node.step = signedNumber("rows");
    rule(brokenRule(node, sizes));
    size_t before = values.size(), carried = node.operands.size();
    values.resize(before + carried, Value::Token);
    list(node.body, depth + 1);
    numbers(node.yields, int64_t(carried));
    values.resize(before);
    values.resize(before + carried, Value::Token);
  }

  void list(std::vector<TimedCommand> &issued) {
    int64_t cycle = 0;
    for (int64_t left = count("issued commands"); left > 0 && !problem; --left) {
      TimedCommand &timed = issued.emplace_back();
      timed.command.kind = CommandKind(byte("a command", commandKinds - 1));
      int64_t step = signedNumber("cycles");
      if (step < -maxCommandAmount || step > maxCommandAmount)
        fail("expected at most {} cycles between commands, found {}", maxCommandAmount, step);
      timed.cycle = cycle = cycle + (problem ? 0 : step);
      timed.channel = int32_t(number("channel", 0, INT16_MAX));
      timed.command.bank = uint8_t(number("bank", 0, UINT8_MAX));
      timed.command.count = uint16_t(number("count", 0, UINT16_MAX));
      timed.command.row = int32_t(number("row", 0, INT32_MAX)) - 1;
      timed.command.column = int32_t(number("column", 0, INT32_MAX));
      if (!problem)
        rule(brokenRule(timed, sizes));
    }
  }

  void list(std::vector<PimNode> &body, int64_t depth, bool inTile) {
    if (depth > commandDepth)
      fail("expected at most {} loops in each other", commandDepth);
    for (int64_t left = count("PIM commands"); left > 0 && !problem; --left)
      node(body.emplace_back(), depth, inTile);
  }

  void node(PimNode &node, int64_t depth, bool inTile) {
    node.code = PimCode(byte("a PIM command", pimCodes - 1));
    switch (node.code) {
    case PimCode::Gwrite:
      node.bank = amount("bank");
      node.row = amount("row");
      break;
    case PimCode::Tile:
      node.row = amount("row");
      node.count = amount("comps");
      break;
    case PimCode::Repeat:
      node.count = amount("times");
      node.step = signedNumber("step");
      break;
    case PimCode::Comp:
    case PimCode::CompsResult:
      node.column = amount("column");
      node.count = amount("count");
      break;
    case PimCode::ReadResult:
      break;
    }
    if (!problem)
      rule(brokenRule(node, sizes, inTile));
    if (!problem && (node.code == PimCode::Tile || node.code == PimCode::Repeat))
      list(node.body, depth + 1, inTile || node.code == PimCode::Tile);
  }

  std::string_view bytes, source;
  size_t at = 0;
  std::optional<Error> problem;
  CommandMachine sizes;
  std::vector<Value> values;
  int64_t nodes = 0;
};

void fixed(std::string &bytes, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i)
    bytes.push_back(char(value >> 8 * i));
}

} // namespace

uint64_t commandHash(std::string_view body) { return xxh3(std::as_bytes(std::span(body.data(), body.size()))); }

std::string encodeCommands(const CommandProgram &program) {
  std::string body = Encoder().run(program), bytes(commandMagic);
  fixed(bytes, commandVersion, 2);
  fixed(bytes, 0, 6);
  fixed(bytes, commandHeaderBytes + body.size(), 8);
  fixed(bytes, commandHash(body), 8);
  return bytes + body;
}

Result<CommandProgram> decodeCommands(std::string_view bytes, std::string_view source) {
  return Decoder(bytes, source).run();
}

} // namespace yoke::sim
