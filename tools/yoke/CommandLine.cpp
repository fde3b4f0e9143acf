#include "CommandLine.h"

#include "Commands.h"
#include "Console.h"
#include "Support/File.h"
#include "Version.h"

#include <csignal>

namespace yoke::cli {
namespace {

constexpr const char *overview = R"(Examples:
  yoke run ./checkpoint -p "Once upon a time" -n 64
  yoke compile ./checkpoint -o model.yoke && yoke run model.yoke -p "Hello"
  yoke bench model.yoke -p 512 -n 128

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 input refused, 4 out of memory, disk or threads, 130 interrupted.)";

/// The first line of the parser's message; the rest repeats the help.
std::string parseMessage(const CLI::ParseError &error) {
  std::string message = error.what();
  return message.substr(0, message.find('\n'));
}

int parseAndRun(int argc, char **argv) {
  CLI::App app("Yoke compiles language models ahead of time and runs them.", "yoke");
  app.set_version_flag("--version", versionText(), "Print the version and exit");
  app.require_subcommand(1);
  app.footer(overview);
  app.get_formatter()->column_width(34);
  Action action;
  addRunCommand(app, action);
  addCompileCommand(app, action);
  addConvertCommand(app, action);
  addCalibrateCommand(app, action);
  addEvalCommand(app, action);
  addBenchCommand(app, action);
  addInspectCommand(app, action);
  addVerifyCommand(app, action);
  addSimulateCommand(app, action);
  addExploreCommand(app, action);
  addTargetsCommand(app, action);
  addTuneCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &request) {
    return app.exit(request) == 0 ? 0 : exitCode(ErrorKind::Failed);
  } catch (const CLI::ParseError &error) {
    std::string command = app.get_subcommands().empty() ? "" : " " + app.get_subcommands().front()->get_name();
    printError(fmt::format("{} (see yoke{} --help)", parseMessage(error), command));
    return exitCode(ErrorKind::Usage);
  }
  Result<int> result = action();
  if (!result) {
    printError(result.error().message);
    return exitCode(result.error().kind);
  }
  return *result;
}

} // namespace

int runCommandLine(int argc, char **argv) {
  std::signal(SIGPIPE, SIG_IGN);
  installMappingFaultHandler();
  try {
    return parseAndRun(argc, argv);
  } catch (const std::bad_alloc &) {
    printError("out of memory");
    return exitCode(ErrorKind::Resources);
  } catch (const std::exception &error) {
    printError(error.what());
    return exitCode(ErrorKind::Failed);
  }
}

} // namespace yoke::cli
