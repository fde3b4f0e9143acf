#include "Commands.h"
#include "Console.h"
#include "Support/Json.h"
#include "Target/Builtin.h"

#include <filesystem>
#include <memory>

namespace yoke::cli {
namespace {

std::string devicesOf(const Target &target) {
  std::vector<std::string_view> devices;
  for (const auto &[name, present] : {std::pair{"npu", bool(target.npu)},
                                      {"pim", bool(target.pim)},
                                      {"gpu", bool(target.gpu)},
                                      {"cpu", bool(target.cpu)}})
    if (present)
      devices.push_back(name);
  return fmt::format("{}", fmt::join(devices, "+"));
}

/// The description files of a folder, sorted.
Result<std::vector<std::string>> descriptionsIn(const std::string &folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".json")
      paths.push_back(entry.path().string());
  if (error)
    return makeError(ErrorKind::Resources, "{}: {}", folder, error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<int> list(const std::string &folder, bool json) {
  std::vector<std::pair<std::string, Target>> targets;
  for (const BuiltinTarget &builtin : builtinTargets())
    targets.emplace_back(builtin.name, YOKE_TRY(parseTarget(builtin.text, builtin.name)));
  if (!folder.empty())
    for (const std::string &path : YOKE_TRY(descriptionsIn(folder)))
      targets.emplace_back(path, YOKE_TRY(loadTarget(path)));
  std::string out;
  Json array = Json::array();
  for (const auto &[name, target] : targets) {
    out += fmt::format("{:<18} {:<8} {}\n", name, devicesOf(target), target.description);
    array.push_back({{"name", name}, {"devices", devicesOf(target)}, {"description", target.description}});
  }
  YOKE_TRY(writeOutput(json ? dumpJson(array, 2) + "\n" : out));
  return 0;
}

Result<int> describe(const std::vector<std::string> &names) {
  std::string out;
  for (const std::string &name : names)
    out += describeTarget(YOKE_TRY(findTarget(name)));
  YOKE_TRY(writeOutput(out));
  return 0;
}

Result<int> validate(const std::vector<std::string> &names) {
  std::string out;
  int code = 0;
  for (const std::string &name : names) {
    Result<Target> target = findTarget(name);
    if (target)
      out += fmt::format("{}: valid\n", name);
    else {
      printError(target.error().message);
      code = std::max(code, exitCode(target.error().kind));
    }
  }
  YOKE_TRY(writeOutput(out));
  return code;
}

} // namespace

void addTargetsCommand(CLI::App &app, Action &action) {
  struct Flags {
    std::string folder;
    std::vector<std::string> names;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App *command = app.add_subcommand("targets", "List, describe and validate descriptions of machines");
  command->require_subcommand(0, 1);
  CLI::App *listing = command->add_subcommand("list", "The built-in targets (the default)");
  for (CLI::App *place : {command, listing}) {
    place->add_option("--folder", flags->folder, "List the descriptions of this folder as well")->option_text("FOLDER");
    place->add_flag("--json", flags->json, "Print a JSON array");
  }
  CLI::App *description = command->add_subcommand("describe", "Devices, peaks, bandwidths and capacities");
  CLI::App *validation = command->add_subcommand("validate", "Check files against the rules between their numbers");
  for (CLI::App *place : {description, validation})
    place->add_option("targets", flags->names, "Built-in names or .json files")->required()->option_text("TARGET...");
  command->footer("A target is a JSON file; docs/simulator.md lists its keys, `examples/targets` has examples.");
  command->callback([=, &action] {
    action = [=]() -> Result<int> {
      if (description->parsed())
        return describe(flags->names);
      if (validation->parsed())
        return validate(flags->names);
      return list(flags->folder, flags->json);
    };
  });
}

} // namespace yoke::cli
