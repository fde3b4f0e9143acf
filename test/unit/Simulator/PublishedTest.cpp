// The published simulator's measured cycles per decoder block, GPT3-7B, TP4, and the shape of its results.
#include "Helpers.h"

using namespace yoke;
using namespace yoke::sim;

namespace {

struct Row {
  const char *batch, *target;
  PublishedSystem system;
  int64_t measured;
};

const Row table[] = {
    {"t32", "npu-only", PublishedSystem::NpuOnly, 792971},
    {"t32", "npu-pim-newton", PublishedSystem::NaiveNpuPim, 360447},
    {"t32", "neupims", PublishedSystem::NeuPims, 226950},
    {"t32", "neupims", PublishedSystem::NeuPimsInterleaved, 252380},
    {"b64rr", "npu-only", PublishedSystem::NpuOnly, 797874},
    {"b64rr", "npu-pim-newton", PublishedSystem::NaiveNpuPim, 231043},
    {"b64clb", "neupims", PublishedSystem::NeuPims, 159695},
    {"b64clb", "neupims", PublishedSystem::NeuPimsInterleaved, 245763},
    {"b256rr", "npu-only", PublishedSystem::NpuOnly, 2934963},
    {"b256rr", "npu-pim-newton", PublishedSystem::NaiveNpuPim, 654311},
    {"b256clb", "neupims", PublishedSystem::NeuPims, 320541},
    {"b256clb", "neupims", PublishedSystem::NeuPimsInterleaved, 288946},
};

int64_t cyclesPerBlock(const std::string &batch, const std::string &targetName, PublishedSystem system,
                       std::vector<TimedCommand> *trace = nullptr) {
  Target target = targetOf(targetName);
  ModelShape model = *findModel("gpt3-7b");
  Machine machine(target, publishedOptions(target, model, system));
  if (trace)
    machine.recordCommands(trace, 10, 16); // one with little and one with much PIM work
  Result<PublishedResult> result = runPublished(machine, target, model, batchOf(batch), system);
  EXPECT_TRUE(result) << result.error().message;
  return result->cyclesPerBlock;
}

class PublishedTable : public testing::TestWithParam<Row> {};

} // namespace

TEST_P(PublishedTable, WithinTenPercentOfTheMeasurement) {
  const Row &row = GetParam();
  double cycles = double(cyclesPerBlock(row.batch, row.target, row.system));
  EXPECT_NEAR(cycles / double(row.measured), 1, 0.1);
}

INSTANTIATE_TEST_SUITE_P(Rows, PublishedTable, testing::ValuesIn(table));

TEST(Published, InterleavingHurtsSmallBatchesAndHelpsLargeOnes) {
  for (const char *batch : {"t32", "b64clb", "b256clb"}) {
    int64_t off = cyclesPerBlock(batch, "neupims", PublishedSystem::NeuPims);
    int64_t on = cyclesPerBlock(batch, "neupims", PublishedSystem::NeuPimsInterleaved);
    EXPECT_EQ(on < off, std::string(batch) == "b256clb") << batch << ": " << on << " against " << off;
  }
}

TEST(Published, Deterministic) {
  EXPECT_EQ(cyclesPerBlock("t32", "neupims", PublishedSystem::NeuPims),
            cyclesPerBlock("t32", "neupims", PublishedSystem::NeuPims));
}

TEST(Published, TracesAreLegal) {
  CheckOptions options;
  options.compositeEndsAtIssue = true;
  for (const Row &row : table) {
    if (std::string(row.batch) != "t32")
      continue;
    std::vector<TimedCommand> trace;
    cyclesPerBlock(row.batch, row.target, row.system, &trace);
    EXPECT_FALSE(trace.empty());
    EXPECT_EQ(firstViolation(trace, targetOf(row.target), options), "") << row.target;
  }
}
