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
void addCalibrateCommand(CLI::App &app, Action &action);
void addCompileCommand(CLI::App &app, Action &action);
void addConvertCommand(CLI::App &app, Action &action);
void addExploreCommand(CLI::App &app, Action &action);
void addInspectCommand(CLI::App &app, Action &action);
void addSimulateCommand(CLI::App &app, Action &action);
void addTargetsCommand(CLI::App &app, Action &action);
void addTuneCommand(CLI::App &app, Action &action);
void addVerifyCommand(CLI::App &app, Action &action);

/// For options that count something.
inline CLI::Validator atLeastOne() {
  return CLI::Validator(
      [](std::string &text) {
        double value = 0;
        return CLI::detail::lexical_cast(text, value) && value >= 1 ? std::string()
                                                                    : "must be at least 1, found " + text;
      },
      "");
}

} // namespace yoke::cli
