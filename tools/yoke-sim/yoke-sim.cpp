// yoke-sim: one decode iteration of a batch on a described system, a command program, or a check of a command trace.
#include "RunProgram.h"
#include "Simulator/Iteration.h"
#include "Simulator/LegalityChecker.h"
#include "Support/File.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>

using namespace yoke;
using namespace yoke::sim;

namespace {

struct Arguments {
  std::string program, record, system, model = "gpt3-7b", batch, trace, commands, check;
  Mode mode = Mode::Yoke;
  Interleave interleave = Interleave::Auto;
  int64_t blocks = 0;
  bool published = false, json = false, describe = false;
};

Result<int> check(const Arguments &arguments, const Target &target) {
  std::string text = YOKE_TRY(readFile(arguments.check, size_t(4) << 30));
  CheckOptions options;
  options.compositeEndsAtIssue = arguments.published;
  std::vector<TimedCommand> trace = YOKE_TRY(parseTrace(text, arguments.check));
  std::vector<Violation> violations = checkTrace(trace, target, options);
  for (const Violation &violation : violations)
    std::printf("line %zu: %s\n", violation.index + 1, violation.rule.c_str());
  if (violations.empty())
    std::printf("%zu commands, all legal\n", trace.size());
  return violations.empty() ? 0 : 1;
}

Result<int> run(const Arguments &arguments) {
  Target target = YOKE_TRY(loadTarget(arguments.system));
  if (arguments.describe) {
    std::fputs(describeTarget(target).c_str(), stdout);
    return 0;
  }
  if (!arguments.check.empty())
    return check(arguments, target);
  if (!arguments.program.empty())
    return runProgram({arguments.program, arguments.commands, arguments.record, arguments.blocks, arguments.json},
                      target);
  if (arguments.batch.empty())
    return usageError("expected a command program or --batch-file");
  ModelShape model = YOKE_TRY(findModel(arguments.model));
  std::vector<Request> batch =
      YOKE_TRY(loadBatch(arguments.batch, target.memory ? target.memory->channels : INT32_MAX));
  std::vector<TimedCommand> commands;
  std::vector<Span> spans;
  SimulateOptions options;
  options.mode = arguments.mode;
  options.interleave = arguments.interleave;
  options.published = arguments.published;
  if (!arguments.commands.empty())
    options.commands = &commands;
  if (!arguments.trace.empty())
    options.spans = &spans;
  auto begin = std::chrono::steady_clock::now();
  std::clock_t cpuBegin = std::clock();
  Iteration simulation = YOKE_TRY(simulateIteration(target, model, batch, int64_t(batch.size()), options));
  double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  double cpu = double(std::clock() - cpuBegin) / CLOCKS_PER_SEC;
  if (options.commands)
    YOKE_TRY(writeText(arguments.commands, formatTrace(commands)));
  if (options.spans)
    YOKE_TRY(writeText(arguments.trace, chromeTrace(spans, target.npu ? target.npu->clockMHz : 1e3)));
  Json json = toJson(simulation, arguments.mode, model);
  json["simulation_wall_s"] = wall;
  json["simulation_cpu_s"] = cpu;
  json["simulated_cycles_per_s"] = double(simulation.simulatedCycles) / std::max(wall, 1e-9);
  if (arguments.json) {
    std::printf("%s\n", dumpJson(json, 2).c_str());
    return 0;
  }
  std::printf("%s on %s, %s: %ld cycles per block, %.3f ms per iteration, %.0f tokens/s, %.1f%% of roof, %.3f J\n",
              model.name.c_str(), target.name.c_str(), simulation.block.plan.c_str(),
              long(simulation.block.cyclesPerBlock), simulation.seconds * 1e3, simulation.tokensPerSecond,
              simulation.roofPercent, simulation.energyJoules);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Simulates decoding on NPU and PIM systems, runs a command program, or checks a command trace",
               "yoke-sim");
  Arguments arguments;
  app.add_option("program", arguments.program, "Command program in its binary form, to run and check alone")
      ->option_text("PROGRAM");
  app.add_option("--system", arguments.system, "Target description")->required()->option_text("FILE.json");
  app.add_option("--model", arguments.model, "gpt3-7b, gpt3-13b, gpt3-30b or gpt3-175b");
  app.add_option("--batch-file", arguments.batch, "Requests: CSV with seq_len[,ch_idx]")->option_text("FILE.csv");
  const std::map<std::string, Mode> modes = {{"gpu", Mode::Gpu},
                                             {"npu", Mode::Npu},
                                             {"npu-pim", Mode::NpuPim},
                                             {"neupims", Mode::NeuPims},
                                             {"yoke", Mode::Yoke}};
  app.add_option("--mode", arguments.mode, "gpu, npu, npu-pim, neupims or yoke")
      ->transform(CLI::CheckedTransformer(modes));
  const std::map<std::string, Interleave> choices = {
      {"on", Interleave::On}, {"off", Interleave::Off}, {"auto", Interleave::Auto}};
  app.add_option("--interleave", arguments.interleave, "on, off or auto")->transform(CLI::CheckedTransformer(choices));
  app.add_flag("--published", arguments.published, "Reproduce the published simulator with its shortcuts");
  app.add_flag("--json", arguments.json, "Print one JSON object");
  app.add_flag("--describe", arguments.describe, "Describe the system and end");
  app.add_option("--trace", arguments.trace, "Write a Chrome/Perfetto timeline")->option_text("FILE.json");
  app.add_option("--commands", arguments.commands, "Write the command trace")->option_text("FILE");
  app.add_option("--blocks", arguments.blocks, "Run so many of a program's blocks and multiply the steady one [all]")
      ->check(CLI::Range(2, 1 << 20));
  app.add_option("--record", arguments.record, "Write the memory commands of a program, at their cycles, as a program")
      ->option_text("FILE");
  app.add_option("--check", arguments.check, "Check a command trace against the system's timing")->option_text("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Result<int> result = run(arguments);
  if (result)
    return *result;
  std::fprintf(stderr, "yoke-sim: error: %s\n", result.error().message.c_str());
  return exitCode(result.error().kind);
}
