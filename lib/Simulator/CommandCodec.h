// The binary form of command programs; docs/commands.md describes it.
#pragma once

#include "Simulator/CommandProgram.h"

#include <span>

namespace yoke::sim {

constexpr std::string_view commandMagic = "YOKECMDS";
constexpr uint16_t commandVersion = 1;
constexpr size_t commandHeaderBytes = 32;

/// The program as bytes; the same for equal programs.
std::string encodeCommands(const CommandProgram &program);

/// Error (Malformed): names `source`, the offset and the rule. Accepts exactly what encodeCommands writes: numbers in
/// their shortest form, known flags, values that were made, addresses of the machine, nothing after the end.
Result<CommandProgram> decodeCommands(std::string_view bytes, std::string_view source);

/// The hash of the header, over what follows it.
uint64_t commandHash(std::string_view body);

} // namespace yoke::sim
