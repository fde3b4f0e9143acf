// Iterations of whole models: what they add to a block, and properties over systems and batches.
#include "Simulator/Iteration.h"
#include "Helpers.h"
#include "Simulator/Systems.h"

#include <numeric>

using namespace yoke;
using namespace yoke::sim;

namespace {

Iteration iterate(const std::string &mode, const ModelShape &model, const std::vector<Request> &batch) {
  Result<std::vector<System>> systems = chooseSystems(mode, {targetOf("neupims")}, targetOf("a100"), Interleave::Auto);
  EXPECT_TRUE(systems);
  const System &system = systems->front();
  Result<Iteration> result = simulateIteration(system.target, model, batch, int64_t(batch.size()), system.options);
  EXPECT_TRUE(result) << mode << ": " << result.error().message;
  return result ? *result : Iteration();
}

double total(const std::vector<OpShare> &breakdown) {
  return std::accumulate(breakdown.begin(), breakdown.end(), 0.0,
                         [](double sum, const OpShare &share) { return sum + share.seconds; });
}

std::vector<Request> equal(int64_t count, int64_t length, int64_t rows = 1) {
  return std::vector<Request>(size_t(count), {length, -1, rows});
}

ModelShape small() {
  ModelShape model = *findModel("llama3-8b");
  model.layers = 4;
  model.width = 1024;
  model.heads = 8;
  model.keyHeads = 2;
  model.hidden = 2816;
  model.vocabulary = 8192;
  return model;
}

} // namespace

TEST(Iteration, TheBreakdownSumsToTheTime) {
  for (const char *mode : {"gpu", "npu", "npu-pim", "neupims", "yoke", "published-npu"}) {
    Iteration result = iterate(mode, small(), equal(5, 300));
    EXPECT_NEAR(total(result.breakdown), result.seconds, 1e-3 * result.seconds) << mode;
    EXPECT_GT(result.energyJoules, 0) << mode;
    EXPECT_LE(result.roofPercent, 100) << mode;
    EXPECT_LE(result.npuUtilisation, 1) << mode;
    EXPECT_NE(limitingResource(result.breakdown), "") << mode;
  }
}

TEST(Iteration, TheHeadAndAllReducesTakeTime) {
  ModelShape model = small();
  Iteration one = iterate("npu", model, equal(4, 100));
  EXPECT_GT(one.headSeconds, 0);
  EXPECT_GT(one.seconds, one.headSeconds + 3.9 * one.block.seconds);
  model.tensorParallel = 2;
  Iteration two = iterate("npu", model, equal(4, 100));
  EXPECT_EQ(two.devices, 2);
  bool linked = false;
  for (const OpShare &share : two.breakdown)
    linked |= share.resource == "link";
  EXPECT_TRUE(linked);
}

TEST(Iteration, PipelineStagesWorkOnMicroBatches) {
  ModelShape model = small();
  model.pipelineParallel = 2;
  Iteration staged = iterate("yoke", model, equal(64, 200));
  EXPECT_EQ(staged.microBatches, 2);
  model.pipelineParallel = 1;
  Iteration half = iterate("yoke", model, equal(32, 200));
  // Two stages with half the batch each: the time of a half batch through all layers, and hops and the head.
  EXPECT_NEAR(staged.seconds, half.seconds, 0.25 * half.seconds);
  EXPECT_GT(staged.tokensPerSecond, 1.5 * half.tokensPerSecond);
}

TEST(Iteration, KeysGrowTheTimeOfDecodingAndNotItsWeights) {
  Iteration previous;
  for (int64_t length : {128, 1024, 4096}) {
    Iteration now = iterate("npu", small(), equal(16, length));
    EXPECT_GT(now.seconds, previous.seconds);
    previous = now;
  }
}

TEST(Iteration, GroupedQueriesReadFewerKeys) {
  ModelShape grouped = small(), full = small();
  full.keyHeads = full.heads;
  EXPECT_LT(iterate("npu", grouped, equal(32, 2048)).seconds, iterate("npu", full, equal(32, 2048)).seconds);
}

TEST(Iteration, LongPromptsReachTheArraysRoof) {
  Iteration prefill = iterate("npu", *findModel("llama3-8b"), equal(1, 1024, 1024));
  EXPECT_GT(prefill.npuUtilisation, 0.6);
  EXPECT_LE(prefill.npuUtilisation, 1);
  Iteration decode = iterate("npu", *findModel("llama3-8b"), equal(1, 1024));
  EXPECT_LT(prefill.seconds, 100 * decode.seconds); // 1024 tokens in far less than 1024 steps
}

TEST(Iteration, WeightsThatDoNotFitAreRefused) {
  ModelShape model = *findModel("gpt3-175b");
  model.tensorParallel = model.pipelineParallel = 1;
  Target target = targetOf("neupims");
  EXPECT_FALSE(simulateIteration(target, model, equal(1, 100), 1, {}));
  SimulateOptions gpu;
  gpu.mode = Mode::Gpu;
  EXPECT_FALSE(simulateIteration(targetOf("a100"), model, equal(1, 100), 1, gpu));
}

TEST(Iteration, OursIsNeverSlowerThanAnyBaseline) {
  ModelShape model = *findModel("gpt3-7b");
  uint64_t state = 7;
  for (int64_t count : {1, 3, 17, 40}) {
    std::vector<Request> batch;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005 + 1442695040888963407;
      batch.push_back({1 + int64_t(state >> 33) % (count < 20 ? 2000 : 700)});
    }
    double ours = iterate("yoke", model, batch).seconds;
    for (const char *baseline : {"gpu", "npu", "npu-pim", "published-neupims"})
      EXPECT_LE(ours, 1.0001 * iterate(baseline, model, batch).seconds) << baseline << " at " << count;
  }
}
