// `yoke-sim PROGRAM`: a command program alone.
#pragma once

#include "Support/Error.h"
#include "Target/Target.h"

#include <string>
#include <string_view>

struct ProgramArguments {
  std::string path;
  std::string commands; ///< where the trace goes; empty: nowhere
  std::string record;   ///< where a program of the memory commands at their cycles goes; empty: nowhere
  int64_t blocks;       ///< that a loop of a stage runs at most, the others take what one takes; 0: all
  bool json;
};

/// Runs the program and checks the trace of its commands; 1 when a command breaks a rule of the memory.
yoke::Result<int> runProgram(const ProgramArguments &arguments, const yoke::Target &target);

yoke::Status writeText(const std::string &path, std::string_view text);
