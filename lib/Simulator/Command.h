// DRAM and PIM commands, and the text form of a command trace.
#pragma once

#include "Support/Error.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace yoke::sim {

enum class CommandKind : uint8_t {
  Activate,
  Precharge,
  Read,
  Write,
  Refresh,         ///< a rank
  Header,          ///< P_HEADER: a command slot that announces a tile
  Gwrite,          ///< a row of a bank's normal buffer into the channel's vector buffer
  GroupActivate,   ///< G_ACT: opens the PIM buffers of several banks
  Comp,            ///< all banks: one column times the vector buffer
  ReadResult,      ///< all banks: one element each onto the bus
  CompsReadResult, ///< `count` COMPs and a READRES under one slot
  PimPrecharge,    ///< closes the PIM buffer of a bank
  PimPrechargeAll, ///< closes the PIM buffers of all banks of the channel
};
constexpr size_t commandKinds = 13;

/// The names used in traces: ACT, PRE, RD, WR, REF, P_HEADER, GWRITE, G_ACT, COMP, READRES, COMPS_READRES,
/// PIM_PRECHARGE, PIM_PRECHARGE_ALL.
std::string_view commandName(CommandKind kind);

/// A command of one channel. `bank` counts through ranks and bank groups: rank * banks per rank + group * banks per
/// group + bank; the first bank of the span for G_ACT, of the rank for REF.
struct Command {
  CommandKind kind;
  uint8_t bank = 0;
  uint16_t count = 1; ///< COMPs in a COMPS_READRES
  int32_t row = -1;
  int32_t column = 0;

  bool operator==(const Command &) const = default;
};

struct TimedCommand {
  int64_t cycle;
  int32_t channel;
  Command command;

  bool operator==(const TimedCommand &) const = default;
};

/// One line a command: `cycle channel NAME bank row column count`, by channel then cycle.
std::string formatTrace(const std::vector<TimedCommand> &trace);
/// Error (Malformed): names the line and the rule.
Result<std::vector<TimedCommand>> parseTrace(std::string_view text, std::string_view source);

using CommandCounts = std::array<int64_t, commandKinds>;

} // namespace yoke::sim
