#include "Simulator/Command.h"

#include <charconv>

namespace yoke::sim {
namespace {

constexpr std::string_view names[commandKinds] = {"ACT",
                                                  "PRE",
                                                  "RD",
                                                  "WR",
                                                  "REF",
                                                  "P_HEADER",
                                                  "GWRITE",
                                                  "G_ACT",
                                                  "COMP",
                                                  "READRES",
                                                  "COMPS_READRES",
                                                  "PIM_PRECHARGE",
                                                  "PIM_PRECHARGE_ALL"};

bool nextField(std::string_view &line, std::string_view &field) {
  size_t end = line.find(' ');
  field = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return !field.empty();
}

bool nextNumber(std::string_view &line, int64_t lo, int64_t hi, int64_t &value) {
  std::string_view field;
  if (!nextField(line, field))
    return false;
  auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size() && value >= lo && value <= hi;
}

bool parseLine(std::string_view line, TimedCommand &result) {
  int64_t cycle, channel, bank, row, column, count;
  std::string_view name;
  if (!nextNumber(line, 0, INT64_MAX / 4, cycle) || !nextNumber(line, 0, INT32_MAX, channel) || !nextField(line, name))
    return false;
  size_t kind = 0;
  while (kind < commandKinds && names[kind] != name)
    ++kind;
  if (kind == commandKinds || !nextNumber(line, 0, 255, bank) || !nextNumber(line, -1, INT32_MAX, row) ||
      !nextNumber(line, 0, INT32_MAX, column) || !nextNumber(line, 0, 65535, count) || !line.empty())
    return false;
  result = {cycle, int32_t(channel),
            Command{CommandKind(kind), uint8_t(bank), uint16_t(count), int32_t(row), int32_t(column)}};
  return true;
}

} // namespace

std::string_view commandName(CommandKind kind) { return names[size_t(kind)]; }

std::string formatTrace(const std::vector<TimedCommand> &trace) {
  fmt::memory_buffer text;
  for (const TimedCommand &timed : trace)
    fmt::format_to(std::back_inserter(text), "{} {} {} {} {} {} {}\n", timed.cycle, timed.channel,
                   commandName(timed.command.kind), timed.command.bank, timed.command.row, timed.command.column,
                   timed.command.count);
  return fmt::to_string(text);
}

Result<std::vector<TimedCommand>> parseTrace(std::string_view text, std::string_view source) {
  std::vector<TimedCommand> trace;
  for (size_t line = 1; !text.empty(); ++line) {
    size_t end = text.find('\n');
    std::string_view current = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    TimedCommand timed;
    if (!parseLine(current, timed))
      return malformed("{}: line {}: expected `cycle channel COMMAND bank row column count`", source, line);
    trace.push_back(timed);
  }
  return trace;
}

} // namespace yoke::sim
