// A command program: what one device does in a step, as commands with their operands and loops over blocks and tiles.
//
// Commands make values; a command waits for the values that it takes. Values are numbered as on a stack: a loop puts
// its carried values on it, then those of its body, and leaves its results in their place, so whatever has a number has
// been made before. A program cannot wait for itself.
#pragma once

#include "Simulator/Program.h"
#include "Target/Target.h"

namespace yoke::sim {

/// The controllers and queues that a program is made for.
enum class CommandPolicy : uint8_t {
  Overlapped,       ///< commands start when their operands are there, refreshes are pulled in, rows opened ahead
  PublishedNpu,     ///< the published NPU-only system
  NpuPim,           ///< the published stages on one row buffer, without the published shortcuts
  NeuPims,          ///< the published stages on two row buffers, without the published shortcuts
  PublishedNpuPim,  ///< as published
  PublishedNeuPims, ///< as published
};
constexpr size_t commandPolicies = 6;
std::string_view policyName(CommandPolicy policy);

/// The sizes that addresses are made for.
struct CommandMachine {
  int64_t channels = 1, banks = 1, rows = 1, rowBytes = 1;

  bool operator==(const CommandMachine &) const = default;
};
CommandMachine machineOf(const Target &target);

/// A rectangle of a matrix in the scratchpad.
struct TileShape {
  int64_t rows = 1, columns = 1;
  uint8_t bits = 16; ///< of an element

  bool operator==(const TileShape &) const = default;
  int64_t bytes() const { return rows * columns * bits / 8; }
};

enum class PimCode : uint8_t {
  Gwrite,      ///< `bank`, `row`
  Tile,        ///< P_HEADER of `row` and `count` COMPs, then `body`
  Repeat,      ///< `body`, `count` times; each time rows of tiles, or within a tile columns, are `step` further
  Comp,        ///< `count` COMPs from `column` on
  ReadResult,  ///< READRES
  CompsResult, ///< COMPS_READRES of `count` from `column` on
};
constexpr size_t pimCodes = 6;

struct PimNode {
  PimCode code = PimCode::Gwrite;
  int64_t bank = 0, row = 0, column = 0, count = 0, step = 0;
  std::vector<PimNode> body;

  bool operator==(const PimNode &) const = default;
};

enum class CommandCode : uint8_t {
  MoveIn,    ///< the next bytes of the stream into the tile `tile`; yields the tile
  MoveOut,   ///< `amount` bytes to the stream
  MoveOutTo, ///< `amount` bytes to `channel`, `bank`, `row`
  Gemm,      ///< `rows` rows through the arrays: `amount` cycles, `latency` until the result
  Vector,    ///< `amount` cycles of a vector unit
  AllReduce, ///< `amount` bytes of each of `rows` devices
  Pim,       ///< `pim` on `channel`
  Join,      ///< all its operands; without operands: nothing to wait for
  Free,      ///< gives back the tile that is its first operand
  Repeat,    ///< `body`, `amount` times, with carried values; rows of PIM tiles are `step` further each time
};
constexpr size_t commandCodes = 10;

struct CommandNode {
  CommandCode code = CommandCode::Join;
  Phase phase = Phase::Other;
  bool pimStream = false; ///< Vector, MoveOut: by the queue of the PIM stream
  bool preload = false;   ///< Gemm: a new stationary operand
  bool resident = false;  ///< MoveIn: takes scratchpad until it is freed
  bool frees = false;     ///< Gemm: gives back the tile that is its first operand
  bool mark = false;      ///< Join: the end of a block
  TileShape tile;
  int64_t amount = 0, rows = 0, latency = 0, channel = 0, bank = 0, row = 0, step = 0;
  std::vector<int32_t> operands; ///< Repeat: the carried values at the beginning
  std::vector<PimNode> pim;
  std::vector<CommandNode> body;
  std::vector<int32_t> yields; ///< Repeat: the carried values of the next time, in the end the results

  bool operator==(const CommandNode &) const = default;
};

/// Stages run one after the other. One with `issued` commands has no body: every command is at its cycle already.
struct CommandStage {
  std::string name;
  std::vector<CommandNode> body;
  std::vector<TimedCommand> issued;

  bool operator==(const CommandStage &) const = default;
};

struct CommandProgram {
  std::string name, target;
  CommandMachine machine;
  CommandPolicy policy = CommandPolicy::Overlapped;
  int64_t scratchpadBytes = 0; ///< for tiles; 0: not tracked
  int64_t streamBytes = 0;     ///< after which the stream of moved bytes begins again; 0: half of the memory
  std::vector<CommandStage> stages;

  bool operator==(const CommandProgram &) const = default;
};

/// Commands, loops counted once and by what they execute.
struct CommandProgramSize {
  int64_t nodes = 0, commands = 0, pimNodes = 0, pimCommands = 0;
  int64_t tiles = 0, bytesMoved = 0;
};
CommandProgramSize sizeOf(const CommandProgram &program);

// What a program may hold; the text and the binary form refuse more.
constexpr int64_t commandDepth = 8; ///< loops in loops
constexpr int64_t maxCommandNodes = 1 << 21;
constexpr int64_t maxCommandAmount = int64_t(1) << 40;
constexpr int64_t maxCommandRepeats = 1 << 20;
constexpr int64_t maxCommandColumns = 0x7fff; ///< of a tile; COMPs of one command
constexpr size_t maxCommandName = 256;

/// Whether commands of this kind belong to a phase; others are of Phase::Other.
constexpr bool hasPhase(CommandCode code) {
  return code != CommandCode::Join && code != CommandCode::Free && code != CommandCode::Repeat;
}

/// Whether the numbers of a command are in range, operands and bodies left aside; the rule that is broken, or "".
std::string brokenRule(const CommandNode &node, const CommandMachine &machine);
std::string brokenRule(const PimNode &node, const CommandMachine &machine, bool inTile);
std::string brokenRule(const TimedCommand &command, const CommandMachine &machine);
std::string brokenRule(const CommandMachine &machine);

} // namespace yoke::sim
