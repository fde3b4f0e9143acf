// Properties of our schedule: legal commands, faster than what it is compared with, monotonic, deterministic.
#include "Simulator/Schedule.h"
#include "Helpers.h"
#include "Simulator/Energy.h"
#include "Simulator/Simulate.h"

using namespace yoke;
using namespace yoke::sim;

namespace {

Simulation simulated(const Target &target, const std::vector<Request> &batch, Mode mode, Interleave interleave,
                     std::vector<TimedCommand> *commands = nullptr) {
  SimulateOptions options;
  options.mode = mode;
  options.interleave = interleave;
  options.commands = commands;
  Result<Simulation> result = simulateBlock(target, *findModel("gpt3-7b"), batch, options);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Simulation();
}

std::vector<Request> firstOf(std::vector<Request> batch, size_t count) {
  batch.resize(std::min(batch.size(), count));
  for (Request &request : batch)
    request.channel = -1;
  return batch;
}

} // namespace

TEST(Schedule, AtLeastOneAndAHalfTimesThePublishedInterleavedBlock) {
  Simulation ours = simulated(targetOf("neupims"), batchOf("b256clb"), Mode::Yoke, Interleave::On);
  EXPECT_LE(double(ours.cyclesPerBlock) * 1.5, 288946);
}

TEST(Schedule, TracesAreLegal) {
  for (const char *name : {"neupims", "aim-like", "npu-pim-newton", "npu-only"}) {
    Target target = targetOf(name);
    for (int64_t parts : {1, 2}) {
      ScheduleOptions options;
      options.blocks = 1;
      options.subBatches = parts;
      options.attentionOnPim = bool(target.pim);
      std::vector<Request> batch = batchOf("b64clb");
      Result<Schedule> schedule = buildSchedule(target, *findModel("gpt3-7b"), batch, options);
      ASSERT_TRUE(schedule) << schedule.error().message;
      Machine machine(target, scheduleMachine(target, *findModel("gpt3-7b"), rowsOf(batch)));
      std::vector<TimedCommand> commands;
      machine.recordCommands(&commands, 3, 16);
      ASSERT_TRUE(machine.run(std::move(schedule->program)));
      EXPECT_EQ(firstViolation(commands, target), "") << name << " " << parts;
      EXPECT_GT(commands.size(), 10000u);
    }
  }
}

TEST(Schedule, NotSlowerThanTheFairNpuNorThanFewerRequests) {
  Target target = targetOf("neupims");
  int64_t before = 0;
  for (size_t count : {1, 16, 64}) {
    std::vector<Request> batch = firstOf(batchOf("b64clb"), count);
    int64_t ours = simulated(target, batch, Mode::Yoke, Interleave::Auto).cyclesPerBlock;
    int64_t npu = simulated(target, batch, Mode::Npu, Interleave::Off).cyclesPerBlock;
    EXPECT_LE(ours, npu) << count;
    EXPECT_GE(double(ours), 0.97 * double(before)) << count; // refreshes fall differently
    before = ours;
  }
}

TEST(Schedule, FairNpuReachesItsRoof) {
  Simulation npu = simulated(targetOf("npu-only"), firstOf(batchOf("b64rr"), 32), Mode::Npu, Interleave::Off);
  EXPECT_GT(npu.roofPercent, 85);
  EXPECT_LE(npu.roofPercent, 100);
}

TEST(Schedule, EnergyAddsUp) {
  Target target = targetOf("neupims");
  EnergyTable table(target, 1);
  ChannelStats a, b, sum;
  a.commands[size_t(CommandKind::Read)] = 10;
  b.commands[size_t(CommandKind::GroupActivate)] = 3;
  b.comps = 7;
  sum.commands = a.commands;
  sum.commands[size_t(CommandKind::GroupActivate)] = 3;
  sum.comps = 7;
  EXPECT_DOUBLE_EQ(channelEnergy(table, *target.memory, a, 0) + channelEnergy(table, *target.memory, b, 0),
                   channelEnergy(table, *target.memory, sum, 0));
  EXPECT_DOUBLE_EQ(table.command[size_t(CommandKind::Read)], 1.2 * (390 - 55) * 2);
}

TEST(Schedule, WhatDoesNotFitIsRefused) {
  Target target = targetOf("neupims");
  target.npu->scratchpadBytes = 1 << 20;
  Result<Schedule> schedule = buildSchedule(target, *findModel("gpt3-7b"), batchOf("b64clb"), {});
  ASSERT_FALSE(schedule);
  EXPECT_NE(schedule.error().message.find("scratchpad_bytes"), std::string::npos);
  SimulateOptions options;
  options.mode = Mode::NpuPim;
  EXPECT_FALSE(simulateBlock(target, *findModel("gpt3-7b"), batchOf("b64clb"), options));
}

TEST(Workload, MalformedBatchesAreRefused) {
  for (const char *bad :
       {"", "x\n1\n", "seq_len,ch_idx\n", "seq_len,ch_idx\n5\n", "seq_len,ch_idx\n0,1\n", "seq_len,ch_idx\n5,32\n",
        "seq_len\n-1\n", "seq_len\n5,1\n", "seq_len\n99999999999999999999\n"})
    EXPECT_FALSE(parseBatch(bad, "batch.csv", 32)) << bad;
  EXPECT_EQ(parseBatch("seq_len\r\n7\r\n", "batch.csv", 32)->front().length, 7);
}

TEST(Workload, SplitKeepsEveryRequest) {
  std::vector<Request> batch = batchOf("b256clb");
  auto [first, second] = splitBatch(batch, 32);
  EXPECT_EQ(first.size() + second.size(), batch.size());
  EXPECT_LE(std::max(first.size(), second.size()) - std::min(first.size(), second.size()), 1u);
}

// Without a recorder channels run ahead of each other.
TEST(Schedule, RecordingChangesNoTime) {
  for (bool pim : {true, false}) {
    Target target = targetOf("neupims");
    ModelShape model = *findModel("gpt3-7b");
    std::vector<Request> batch = batchOf("b64clb");
    std::vector<int64_t> ends[2];
    for (bool recorded : {false, true}) {
      ScheduleOptions options;
      options.blocks = 2;
      options.attentionOnPim = pim;
      Result<Schedule> schedule = buildSchedule(target, model, batch, options);
      ASSERT_TRUE(schedule) << schedule.error().message;
      size_t tasks = schedule->program.tasks.size();
      Machine machine(target, scheduleMachine(target, model, rowsOf(batch)));
      std::vector<TimedCommand> commands;
      if (recorded)
        machine.recordCommands(&commands, 0, 32);
      ASSERT_TRUE(machine.run(std::move(schedule->program)));
      for (size_t task = 0; task < tasks; ++task)
        ends[recorded].push_back(machine.finished(TaskId(task)));
    }
    EXPECT_EQ(ends[0], ends[1]);
  }
}
