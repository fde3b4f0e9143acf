#include "RunProgram.h"

#include "Simulator/CommandCodec.h"
#include "Simulator/CommandRun.h"
#include "Support/File.h"
#include "Support/Json.h"

#include <cmath>
#include <cstdio>

using namespace yoke;
using namespace yoke::sim;

namespace {

constexpr size_t maxProgramBytes = 64 << 20;
/// Every which channel is checked, so that about so many commands are kept at once: 24 bytes each.
size_t strideOf(const CommandProgram &program, const Target &target) {
  constexpr double most = 4e6;
  CommandProgramSize size = sizeOf(program);
  double commands = double(size.bytesMoved) / double(target.memory->accessBytes) + double(size.pimCommands) +
                    double(size.tiles * target.memory->banksPerChannel());
  return size_t(std::clamp(std::ceil(commands / most), 1.0, double(target.memory->channels)));
}

/// Leaves out what is more than `blocks` repetitions of a loop of a stage; how many that are in each stage.
std::vector<int64_t> shorten(CommandProgram &program, int64_t blocks) {
  std::vector<int64_t> left;
  for (CommandStage &stage : program.stages) {
    int64_t &here = left.emplace_back(0);
    for (CommandNode &node : stage.body)
      if (blocks && node.code == CommandCode::Repeat && node.amount > blocks) {
        here += node.amount - blocks;
        node.amount = blocks;
      }
  }
  return left;
}

Json toJson(const CommandProgram &program, const CommandRun &run, size_t bytes) {
  CommandProgramSize size = sizeOf(program);
  Json stages = Json::array(), commands = Json::object();
  for (const CommandRun::Stage &stage : run.stages)
    stages.push_back({{"name", stage.name},
                      {"cycles", stage.cycles},
                      {"marks", stage.marks},
                      {"cycles_per_block", stage.cyclesPerBlock()}});
  for (size_t kind = 0; kind < commandKinds; ++kind)
    if (run.commands[kind])
      commands[std::string(commandName(CommandKind(kind)))] = run.commands[kind];
  return {{"program", program.name},
          {"target", program.target},
          {"policy", policyName(program.policy)},
          {"bytes", bytes},
          {"nodes", size.nodes + size.pimNodes},
          {"npu_commands", size.commands},
          {"pim_commands", size.pimCommands},
          {"cycles", run.cycles},
          {"stages", stages},
          {"memory_commands", commands},
          {"bytes_loaded", run.bytesLoaded},
          {"bytes_stored", run.bytesStored},
          {"peak_scratchpad_bytes", run.peakScratchpad},
          {"memory_energy_j", run.energyJoules}};
}

void print(const CommandProgram &program, const CommandRun &run, size_t bytes, int64_t checked, size_t stride) {
  CommandProgramSize size = sizeOf(program);
  std::printf("%s for %s: %lld bytes, %lld NPU and %lld PIM commands in %lld\n", program.name.c_str(),
              program.target.c_str(), static_cast<long long>(bytes), static_cast<long long>(size.commands),
              static_cast<long long>(size.pimCommands), static_cast<long long>(size.nodes + size.pimNodes));
  for (const CommandRun::Stage &stage : run.stages) {
    std::printf("  %s: %lld cycles", stage.name.c_str(), static_cast<long long>(stage.cycles));
    if (int64_t block = stage.cyclesPerBlock())
      std::printf(", %lld a block", static_cast<long long>(block));
    std::printf("\n");
  }
  std::string part = stride > 1 ? fmt::format(" of every {}th channel", stride) : "";
  std::printf("%lld cycles; %lld memory commands%s, all legal\n", static_cast<long long>(run.cycles),
              static_cast<long long>(checked), part.c_str());
}

} // namespace

Status writeText(const std::string &path, std::string_view text) {
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(text));
  return file.commit();
}

Result<int> runProgram(const ProgramArguments &arguments, const Target &target) {
  std::string bytes = YOKE_TRY(readFile(arguments.path, maxProgramBytes));
  CommandProgram program = YOKE_TRY(decodeCommands(bytes, arguments.path));
  std::vector<TimedCommand> trace;
  std::vector<int64_t> left = shorten(program, arguments.blocks);
  bool whole = !arguments.commands.empty() || !arguments.record.empty();
  size_t stride = whole || !target.memory ? 1 : strideOf(program, target);
  CommandRun run = YOKE_TRY(runCommands(program, target, &trace, stride));
  for (size_t stage = 0; stage < left.size(); ++stage) {
    int64_t cycles = left[stage] * run.stages[stage].cyclesPerBlock();
    run.stages[stage].cycles += cycles;
    run.cycles += cycles;
  }
  CheckOptions options;
  options.compositeEndsAtIssue = program.policy == CommandPolicy::PublishedNeuPims;
  std::vector<Violation> violations = checkTrace(trace, target, options);
  auto checked = int64_t(trace.size());
  for (const CommandStage &stage : program.stages)
    checked += int64_t(stage.issued.size());
  if (!arguments.commands.empty())
    YOKE_TRY(writeText(arguments.commands, formatTrace(trace)));
  if (!arguments.record.empty()) {
    CommandProgram recorded;
    recorded.name = program.name;
    recorded.target = program.target;
    recorded.machine = program.machine;
    recorded.stages.push_back({"recorded", {}, trace});
    YOKE_TRY(writeText(arguments.record, encodeCommands(recorded)));
  }
  for (const CommandRun::Stage &stage : run.stages)
    violations.insert(violations.end(), stage.violations.begin(), stage.violations.end());
  for (const Violation &violation : violations)
    std::fprintf(stderr, "yoke-sim: %s: memory command %zu: %s\n", program.name.c_str(), violation.index + 1,
                 violation.rule.c_str());
  if (!violations.empty())
    return 1;
  if (arguments.json)
    std::printf("%s\n", dumpJson(toJson(program, run, bytes.size()), 2).c_str());
  else
    print(program, run, bytes.size(), checked, stride);
  return 0;
}
