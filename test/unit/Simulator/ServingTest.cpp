// Drawn lengths, and serving of requests over time.
#include "Simulator/Serving.h"
#include "Helpers.h"

using namespace yoke;
using namespace yoke::sim;

namespace {

ModelShape small() {
  ModelShape model = *findModel("gpt3-7b");
  model.layers = 2;
  model.width = 256;
  model.heads = model.keyHeads = 2;
  model.hidden = 512;
  model.vocabulary = 512;
  model.tensorParallel = 1;
  return model;
}

System systemOf(const char *mode, Target target = targetOf("neupims")) {
  return chooseSystems(mode, {target}, targetOf("a100"), Interleave::Auto)->front();
}

ServingResult serve(const System &system, const std::vector<Arrival> &arrivals, ServingOptions options = {}) {
  Result<ServingResult> result = simulateServing(system, small(), arrivals, options);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : ServingResult();
}

double meanOf(const LengthDistribution &lengths) {
  double sum = 0;
  for (int i = 0; i < 10000; ++i)
    sum += double(lengths.quantile((i + 0.5) / 10000));
  return sum / 10000;
}

} // namespace

TEST(Dataset, DistributionsHaveTheStatistics) {
  for (const char *name : {"sharegpt", "alpaca"}) {
    Dataset dataset = *findDataset(name);
    for (const LengthStatistics &s : {dataset.input, dataset.output}) {
      LengthDistribution lengths(s);
      EXPECT_NEAR(double(lengths.quantile(0.5)), s.p50, 1);
      EXPECT_NEAR(double(lengths.quantile(0.9)), s.p90, 1);
      EXPECT_NEAR(double(lengths.quantile(0.99)), s.p99, 1);
      EXPECT_NEAR(meanOf(lengths), s.mean, 0.06 * s.mean) << name;
      EXPECT_GE(lengths.quantile(0), 1);
    }
  }
  EXPECT_FALSE(findDataset("wikitext"));
}

TEST(Dataset, ASteadyBatchIsLikeThePublishedOnes) {
  std::vector<Request> batch = drawSteadyBatch(*findDataset("sharegpt"), 4000, 3);
  double mean = 0;
  for (const Request &request : batch)
    mean += double(request.length) / double(batch.size());
  EXPECT_GT(mean, 270); // warmed-up published batches: 302 to 308
  EXPECT_LT(mean, 350);
}

TEST(Dataset, MalformedRequestsAreRefused) {
  for (const char *bad : {"", "{}", "[]", "{\"input_tokens\":0,\"output_tokens\":1}",
                          "{\"input_tokens\":1,\"output_tokens\":1,\"arrival_s\":-1}",
                          "{\"input_tokens\":1,\"output_tokens\":1,\"x\":1}", "{\"input_tokens\":1"})
    EXPECT_FALSE(parseRequests(bad, "r.jsonl")) << bad;
  auto good = parseRequests("{\"input_tokens\":2,\"output_tokens\":1,\"arrival_s\":3}\n\n"
                            "{\"input_tokens\":1,\"output_tokens\":1}\n",
                            "r.jsonl");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->front().inputTokens, 1); // by arrival
}

TEST(Serving, EveryTokenIsGeneratedOnceAndInterpolationIsClose) {
  System system = systemOf("yoke");
  std::vector<Arrival> arrivals = drawRequests(*findDataset("alpaca"), 40, 5000, 1);
  ServingResult result = serve(system, arrivals);
  EXPECT_EQ(result.requests, 40);
  EXPECT_GT(result.meanBatch, 1);
  EXPECT_LE(result.meanBatch, 40);
  EXPECT_NEAR(double(result.decodeSteps) * result.meanBatch + 40, double(result.outputTokens), 0.5); // + first tokens
  EXPECT_LE(result.firstToken.p50, result.endToEnd.p50);
  EXPECT_LE(result.endToEnd.p50, result.endToEnd.p99);
  EXPECT_LT(result.simulatedSteps, result.decodeSteps);
  EXPECT_LT(result.meanDeviation, 0.1);
}

TEST(Serving, OneRequestTakesItsStepsOneAfterTheOther) {
  ServingResult result = serve(systemOf("npu"), {{5.0, 100, 11}});
  EXPECT_EQ(result.prefillSteps, 1);
  EXPECT_EQ(result.decodeSteps, 10);
  EXPECT_EQ(result.preemptions, 0);
  EXPECT_NEAR(result.seconds, result.busySeconds, 1e-12);
  EXPECT_NEAR(result.seconds, result.firstToken.p50 + 10 * result.perToken.p50, 1e-9);
}

TEST(Serving, MoreLoadMeansLongerWaits) {
  System system = systemOf("npu");
  Dataset dataset = *findDataset("alpaca");
  ServingOptions options;
  options.maxBatch = 8;
  ServingResult idle = serve(system, drawRequests(dataset, 25, 10, 2), options);
  ServingResult busy = serve(system, drawRequests(dataset, 25, 1e6, 2), options);
  EXPECT_GT(busy.endToEnd.p90, idle.endToEnd.p90);
  EXPECT_LT(busy.seconds, idle.seconds);
  EXPECT_LE(busy.meanBatch, 8);
}

TEST(Serving, LittleMemoryPreemptsAndTooLittleIsRefused) {
  Target target = targetOf("npu-only");
  target.memory->rows = 16; // 16 MB
  ModelShape model = small();
  model.layers = 1;
  System system = systemOf("npu", target);
  std::vector<Arrival> arrivals(40, {0, 300, 400});
  Result<ServingResult> result = simulateServing(system, model, arrivals, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->preemptions, 0);
  EXPECT_GT(result->peakKeyValueShare, 0.9);
  EXPECT_LE(result->peakKeyValueShare, 1.0);
  arrivals[3].inputTokens = 100000;
  EXPECT_FALSE(simulateServing(system, model, arrivals, {}));
}
