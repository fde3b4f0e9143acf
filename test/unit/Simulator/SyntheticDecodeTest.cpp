// Drafts of a given quality: what is read and refused, and what their verification takes.
#include "Simulator/SyntheticDecode.h"
#include "Helpers.h"
#include "Simulator/Simulate.h"

using namespace yoke;
using namespace yoke::sim;

namespace {

Simulation verified(const std::vector<Request> &batch, Mode mode) {
  SimulateOptions options;
  options.mode = mode;
  Result<Simulation> result = simulateBlock(targetOf("neupims"), *findModel("gpt3-7b"), batch, options);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : Simulation();
}

std::vector<Request> guessing(size_t count, int64_t rows) {
  return std::vector<Request>(count, {1023 + rows, -1, rows, rows > 1});
}

} // namespace

TEST(SyntheticDecode, LengthsAndRates) {
  struct Case {
    const char *text;
    int64_t rows;
    double length;
  };
  for (const Case &one : {Case{"synthetic:tokens=4,length=3.5", 5, 3.5}, Case{"synthetic:tokens=3,rate=0.5", 4, 1.875},
                          Case{"synthetic:rates=0.9/0.6/0", 4, 2.5}, Case{"synthetic:tokens=2,width=3,rate=1", 7, 3},
                          Case{"synthetic:tokens=5,length=1", 6, 1}, Case{"synthetic:tokens=5,length=6", 6, 6}}) {
    Result<SyntheticDecode> decode = parseSyntheticDecode(one.text);
    ASSERT_TRUE(decode) << decode.error().message;
    EXPECT_EQ(decode->rows(), one.rows) << one.text;
    EXPECT_NEAR(decode->acceptedLength(), one.length, 1e-12) << one.text;
    EXPECT_TRUE(std::is_sorted(decode->rates.rbegin(), decode->rates.rend())) << one.text;
  }
  EXPECT_EQ(parseSyntheticDecode("synthetic:tokens=4,length=2.5")->rates, (std::vector<double>{1, 0.5, 0, 0}));
}

TEST(SyntheticDecode, Refusals) {
  for (const char *text :
       {"greedy", "synthetic:", "synthetic", "synthetic:tokens=3", "synthetic:length=2", "synthetic:tokens=0,rate=1",
        "synthetic:tokens=2,length=3.1", "synthetic:tokens=2,length=nan", "synthetic:tokens=2,rate=1.5",
        "synthetic:rates=0.5/0.6", "synthetic:rates=0.5/", "synthetic:tokens=3,rates=0.5",
        "synthetic:tokens=2.5,rate=1", "synthetic:tokens=2,rate=1,length=2", "synthetic:tokens=2,rate",
        "synthetic:tokens=600,width=2,rate=1", "synthetic:tokens=2,rate=0.5,depth=3"}) {
    Result<SyntheticDecode> decode = parseSyntheticDecode(text);
    ASSERT_FALSE(decode) << text;
    EXPECT_EQ(decode.error().kind, ErrorKind::Usage) << text;
  }
}

TEST(SyntheticDecode, FewRowsAttendOnPimAndManyOnTheNpu) {
  int64_t before = 0;
  for (int64_t rows : {1, 2, 16}) {
    std::vector<Request> batch = guessing(8, rows);
    Simulation ours = verified(batch, Mode::Yoke);
    EXPECT_EQ(ours.plan.ends_with("pim"), rows <= 2) << rows << ": " << ours.plan;
    EXPECT_LE(ours.cyclesPerBlock, verified(batch, Mode::Npu).cyclesPerBlock) << rows;
    EXPECT_GT(ours.cyclesPerBlock, before) << rows;
    before = ours.cyclesPerBlock;
  }
}

TEST(SyntheticDecode, SeveralRowsOnPimAreLegal) {
  Target target = targetOf("neupims");
  ModelShape model = *findModel("gpt3-7b");
  std::vector<Request> batch = guessing(8, 3);
  placeRequests(batch, model, target, Placement::LeastLoaded);
  ScheduleOptions options;
  options.blocks = 1;
  Result<Schedule> schedule = buildSchedule(target, model, batch, options);
  ASSERT_TRUE(schedule) << schedule.error().message;
  Machine machine(target, scheduleMachine(target, model, rowsOf(batch)));
  std::vector<TimedCommand> commands;
  machine.recordCommands(&commands, size_t(batch.front().channel), 32);
  ASSERT_TRUE(machine.run(std::move(schedule->program)));
  EXPECT_EQ(firstViolation(commands, target), "");
  EXPECT_GT(machine.channelStats(size_t(batch.front().channel)).comps, 3 * 2 * 1024);
}
