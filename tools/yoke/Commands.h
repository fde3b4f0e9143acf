// One function per subcommand: declares its options; parsing it sets the action to run.
#pragma once

#include "Support/Error.h"

#include <CLI/CLI.hpp>
#include <functional>

namespace yoke::cli {

/// Returns the exit code of a run that ended without an error.
using Action = std::function<Result<int>()>;

void addRunCommand(CLI::App &app, Action &action);
void addEvalCommand(CLI::App &app, Action &action);
void addBenchCommand(CLI::App &app, Action &action);
void addCompileCommand(CLI::App &app, Action &action);
void addInspectCommand(CLI::App &app, Action &action);
void addVerifyCommand(CLI::App &app, Action &action);

} // namespace yoke::cli
