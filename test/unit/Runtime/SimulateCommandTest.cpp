// The subcommands about simulated machines.
#include "CommandLineFixture.h"

using namespace yoke;
using namespace yoke::test;

namespace {

using SimulateCommand = CommandLine;

TEST_F(SimulateCommand, TargetsAreListedDescribedAndValidated) {
  Outcome list = yoke("targets");
  EXPECT_EQ(list.exitCode, 0) << list.err;
  for (const char *name : {"a100", "aim-like", "host-cpu", "neupims", "npu-only", "npu-pim-newton"})
    EXPECT_THAT(list.out, testing::HasSubstr(name));
  EXPECT_THAT(yoke("targets describe neupims").out, testing::HasSubstr("1024.0 GB/s"));
  EXPECT_EQ(yoke("targets validate neupims a100").exitCode, 0);
  EXPECT_EQ(yoke("targets describe nothing").exitCode, 2);
  std::ofstream(folder + "/bad.json") << R"({"name":"x","cpu":{"peak_flops":1,"memory_bytes_per_s":0,
    "capacity_bytes":1,"launch_s":0,"compute_efficiency":1,"memory_efficiency":1,"power_w":1}})";
  Outcome bad = yoke("targets validate bad.json");
  EXPECT_EQ(bad.exitCode, 3);
  EXPECT_THAT(bad.err, testing::HasSubstr("memory_bytes_per_s > 0"));
}

TEST_F(SimulateCommand, ACheckpointFolderNeedsOnlyItsConfig) {
  std::filesystem::create_directory(folder + "/model");
  std::ofstream(folder + "/model/config.json")
      << R"({"model_type":"llama","hidden_size":256,"num_attention_heads":4,"num_key_value_heads":2,
             "num_hidden_layers":2,"intermediate_size":688,"vocab_size":512,"max_position_embeddings":512})";
  Outcome run = yoke("simulate model --mode npu,yoke -b 3 -c 60 --json --html p.html --roofline r.svg");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  auto json = parseJson(run.out, "stdout");
  ASSERT_TRUE(json);
  ASSERT_EQ(json->size(), 2u);
  for (const char *key :
       {"tokens_per_s", "iterations", "cycles", "time_s", "npu_utilisation", "pim_utilisation", "bandwidth_utilisation",
        "energy_j", "breakdown", "mode", "simulation_wall_s", "roof_percent"})
    EXPECT_TRUE((*json)[0].contains(key)) << key;
  EXPECT_THAT(contents("p.html"), testing::HasSubstr("limited by"));
  EXPECT_THAT(contents("r.svg"), testing::HasSubstr("<circle"));
  EXPECT_EQ(yoke("simulate model -c 600").exitCode, 3);
  EXPECT_EQ(yoke("simulate model --tp 3").exitCode, 2);
  EXPECT_EQ(yoke("simulate model --mode fast").exitCode, 2);
  EXPECT_EQ(yoke("simulate missing-model").exitCode, 2);
  EXPECT_EQ(yoke("simulate fake.yoke").exitCode, 3); // holds no config.json
}

TEST_F(SimulateCommand, TheSimulatedDeviceGeneratesTheTokensOfTheCpu) {
#ifdef YOKE_RUNTIME_ONLY
  GTEST_SKIP() << "needs the compiler library";
#endif
  // The prompt is "The king"; the ids are those of `yoke run --temperature 0`.
  Outcome run = yoke("simulate " YOKE_SOURCE_DIR "/examples/checkpoint --values --token-ids 0,349,594 -n 24 --json");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  auto json = parseJson(run.out, "stdout");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["token_ids"], Json::parse("[427,279,263,594,14,384,53,282,273,433,14,305,365,1033,303,261,542,14,"
                                              "277,365,344,261,542,14]"));
  EXPECT_EQ(yoke("simulate fake.yoke --values --token-ids 1").exitCode, 2); // packed for a CPU
  EXPECT_EQ(yoke("simulate " YOKE_SOURCE_DIR "/examples/checkpoint --values").exitCode, 2);
  EXPECT_EQ(yoke("simulate " YOKE_SOURCE_DIR "/examples/checkpoint --values --token-ids 4096").exitCode, 3);
}

TEST_F(SimulateCommand, RequestsAreServed) {
  std::ofstream(folder + "/config.json")
      << R"({"model_type":"gpt2","n_embd":256,"n_head":4,"n_layer":2,"vocab_size":512})";
  std::ofstream(folder + "/requests.jsonl") << "{\"input_tokens\":20,\"output_tokens\":9}\n"
                                               "{\"input_tokens\":8,\"output_tokens\":4,\"arrival_s\":0.001}\n";
  Outcome run = yoke("simulate config.json --requests requests.jsonl --json");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  auto json = parseJson(run.out, "stdout");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["output_tokens"], 13);
  EXPECT_THAT(yoke("simulate config.json -b 2 --prompt 10 -n 3").out, testing::HasSubstr("first token"));
  std::ofstream(folder + "/requests.jsonl") << "{\"input_tokens\":-20,\"output_tokens\":9}\n";
  EXPECT_EQ(yoke("simulate config.json --requests requests.jsonl").exitCode, 3);
}

} // namespace
