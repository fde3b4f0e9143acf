// Command programs: what they say is what is simulated, in both forms, and a damaged one is refused.
#include "Helpers.h"
#include "Simulator/CommandCodec.h"
#include "Simulator/CommandExpander.h"
#include "Simulator/CommandRun.h"
#include "Simulator/ScheduleCommands.h"
#include "Simulator/Simulate.h"

#include <random>

using namespace yoke;
using namespace yoke::sim;

namespace {

CommandProgram programOf(const Target &target, const std::string &model, std::vector<Request> batch,
                         const ScheduleOptions &options, int64_t headRows = 0) {
  ModelShape shape = *findModel(model);
  placeRequests(batch, shape, target, Placement::AsGiven);
  Result<CommandProgram> program = scheduleCommands(target, shape, batch, options, headRows);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *program : CommandProgram();
}

CommandProgram smallProgram() {
  return programOf(targetOf("neupims"), "gpt3-7b", {{40}, {700}, {33}}, {2, 2, true, false, true});
}

/// The header again for what follows it.
std::string sealed(std::string bytes) {
  auto put = [&](size_t at, uint64_t value) {
    for (size_t i = 0; i < 8; ++i)
      bytes[at + i] = char(value >> 8 * i);
  };
  put(16, bytes.size());
  put(24, commandHash(std::string_view(bytes).substr(commandHeaderBytes)));
  return bytes;
}

} // namespace

TEST(CommandProgram, CyclesAreThoseOfTheSchedule) {
  ModelShape shape = *findModel("gpt3-7b");
  for (const char *name : {"neupims", "aim-like", "npu-only"})
    for (int64_t parts : {1, 2}) {
      if (parts == 1 && name != std::string("neupims"))
        continue;
      Target target = targetOf(name);
      std::vector<Request> batch = batchOf("b64clb");
      batch.resize(12);
      ScheduleOptions options{3, parts, bool(target.pim), bool(target.link), true};
      Result<Schedule> schedule = buildSchedule(target, shape, batch, options);
      ASSERT_TRUE(schedule) << schedule.error().message;
      Machine machine(target, scheduleMachine(target, shape, rowsOf(batch)));
      ASSERT_TRUE(machine.run(std::move(schedule->program)));
      CommandProgram program = programOf(target, "gpt3-7b", batch, options);
      std::vector<TimedCommand> trace;
      Result<CommandRun> run = runCommands(program, target, name == std::string("aim-like") ? &trace : nullptr);
      ASSERT_TRUE(run) << run.error().message;
      ASSERT_EQ(run->stages[0].marks.size(), 3u);
      for (size_t block = 0; block < 3; ++block)
        EXPECT_EQ(run->stages[0].marks[block], machine.finished(schedule->blockEnds[block])) << name << parts << block;
      EXPECT_EQ(run->bytesLoaded, machine.bytesLoaded());
      EXPECT_EQ(run->peakScratchpad, machine.peakScratchpad());
      EXPECT_EQ(firstViolation(trace, target), "");
    }
}

TEST(CommandProgram, BytesAndBack) {
  CommandProgram program = smallProgram();
  std::string bytes = encodeCommands(program);
  Result<CommandProgram> again = decodeCommands(bytes, "test");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, program);
  EXPECT_EQ(encodeCommands(*again), bytes);
  CommandProgramSize size = sizeOf(program);
  EXPECT_LT(bytes.size(), size_t(8 * (size.nodes + size.pimNodes)));
  EXPECT_GT(size.commands + size.pimCommands, 2 * (size.nodes + size.pimNodes));
}

TEST(CommandProgram, StepsBecomeLoopsAndStepsAgain) {
  for (const char *name : {"neupims", "aim-like", "npu-pim-newton"}) {
    Target target = targetOf(name);
    std::vector<Request> batch{{900, 0}, {17, 1}};
    Result<BlockSchedule> block = buildBlock(target, *findModel("llama3-8b"), batch, {1, 1, true, false, true});
    ASSERT_TRUE(block) << block.error().message;
    const std::vector<PimStep> &steps = block->schedule.program.steps;
    CommandProgram program;
    program.machine = machineOf(target);
    CommandStage &stage = program.stages.emplace_back();
    for (const Task &task : block->schedule.program.tasks)
      if (task.kind == TaskKind::Pim) {
        CommandNode &node = stage.body.emplace_back();
        node.code = CommandCode::Pim;
        node.pim = pimCommandsOf(steps.data() + task.firstStep, task.steps);
      }
    Result<ExpandedStage> expanded = expandStage(program, stage, target);
    ASSERT_TRUE(expanded) << expanded.error().message;
    const std::vector<PimStep> &after = expanded->program.steps;
    ASSERT_EQ(after.size(), steps.size());
    for (size_t i = 0; i < steps.size(); ++i)
      ASSERT_TRUE(after[i].kind == steps[i].kind && after[i].last == steps[i].last && after[i].row == steps[i].row &&
                  after[i].count == steps[i].count && after[i].bank == steps[i].bank &&
                  after[i].column == steps[i].column && after[i].results == steps[i].results)
          << name << " step " << i;
  }
}

TEST(CommandProgram, DamagedBytesAreRefusedOrRun) {
  std::string bytes = encodeCommands(smallProgram());
  Target target = targetOf("neupims");
  std::mt19937 random(7);
  EXPECT_EQ(decodeCommands(bytes.substr(0, 20), "test").error().kind, ErrorKind::Malformed);
  std::string flipped = bytes;
  flipped.back() = char(flipped.back() ^ 1);
  EXPECT_NE(decodeCommands(flipped, "test").error().message.find("hash"), std::string::npos);
  int accepted = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = bytes;
    for (uint32_t changes = random() % 3 + 1; changes > 0; --changes) {
      size_t at = commandHeaderBytes + random() % (damaged.size() - commandHeaderBytes);
      if (random() % 4 == 0)
        damaged.erase(at, random() % 4 + 1);
      else
        damaged[at] = char(random());
    }
    Result<CommandProgram> program = decodeCommands(sealed(damaged), "test");
    if (!program) {
      ASSERT_EQ(program.error().kind, ErrorKind::Malformed);
      continue;
    }
    ++accepted;
    ASSERT_EQ(encodeCommands(*program), sealed(damaged));
    for (const CommandStage &stage : program->stages)
      (void)expandStage(*program, stage, target);
  }
  EXPECT_GT(accepted, 0);
}

TEST(CommandProgram, OtherMachinesRefuseIt) {
  CommandProgram program = smallProgram();
  Target other = targetOf("aim-like");
  Result<CommandRun> run = runCommands(program, other);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().kind, ErrorKind::Malformed);
  EXPECT_NE(run.error().message.find("made for 32 channels, 32 banks"), std::string::npos) << run.error().message;
}

TEST(CommandProgram, LoopsThatExplodeAreRefused) {
  CommandProgram program;
  program.machine = machineOf(targetOf("neupims"));
  std::vector<CommandNode> body(1);
  for (int depth = 0; depth < 6; ++depth) {
    CommandNode loop;
    loop.code = CommandCode::Repeat;
    loop.amount = maxCommandRepeats;
    loop.body = std::move(body);
    body.assign(1, loop);
  }
  program.stages.push_back({"loops", body, {}});
  ASSERT_TRUE(decodeCommands(encodeCommands(program), "test"));
  Result<ExpandedStage> expanded = expandStage(program, program.stages[0], targetOf("neupims"));
  ASSERT_FALSE(expanded);
  EXPECT_EQ(expanded.error().kind, ErrorKind::Failed);
}
