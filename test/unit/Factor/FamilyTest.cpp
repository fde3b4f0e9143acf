#include "Factor/FactoredCheckpoint.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

using namespace yoke;
using testing::HasSubstr;

namespace {

const std::string fixtures = YOKE_SOURCE_DIR "/test/unit/Import/fixtures/";

Result<FactorPlan> plan(const std::string &model, const FactorRequest &request) {
  Checkpoint source = YOKE_TRY(Checkpoint::open(fixtures + model));
  return planFactoring(source, request);
}

std::string target(const std::string &model, const FactorRequest &request) {
  auto made = plan(model, request);
  return made ? made->config["architectures"][0].get<std::string>() : made.error().message;
}

TEST(FactoredFamily, TargetsOfFamilies) {
  FactorRequest routed{.experts = 2, .topK = 1}, withShared{.experts = 2, .topK = 1, .shared = 2};
  EXPECT_EQ(target("llama", routed), "MixtralForCausalLM");
  EXPECT_EQ(target("mistral", routed), "MixtralForCausalLM");
  EXPECT_EQ(target("llama", withShared), "Qwen2MoeForCausalLM");
  EXPECT_EQ(target("qwen3", routed), "Qwen3MoeForCausalLM");
}

TEST(FactoredFamily, WhatCannotBeIsRefused) {
  struct Case {
    const char *model;
    FactorRequest request;
    ErrorKind kind;
    const char *message;
  };
  for (const Case &test : std::initializer_list<Case>{
           {"gpt2", {}, ErrorKind::Malformed, "config.json: "},
           {"mixtral", {}, ErrorKind::Malformed, "\"MixtralForCausalLM\" cannot be made into experts"},
           {"llama", {.experts = 2, .topK = 3}, ErrorKind::Usage, "--top-k 3: there are 2 experts"},
           {"llama", {.experts = 1000, .topK = 1}, ErrorKind::Usage, "cannot be divided among 1000 experts"},
           {"llama", {.experts = 2, .topK = 1, .denseLayers = {0}}, ErrorKind::Usage, "--dense-layers needs --shared"},
           {"llama", {.experts = 2, .topK = 1, .shared = 2, .denseLayers = {99}}, ErrorKind::Usage, "layers 0 to"},
           {"llama-biases", {.experts = 2, .topK = 1}, ErrorKind::Malformed, "hidden_act: \"gelu\""},
           {"qwen2", {.experts = 2, .topK = 1, .shared = 2}, ErrorKind::Malformed, "use_sliding_window"},
           {"qwen3", {.experts = 2, .topK = 1, .shared = 2}, ErrorKind::Usage, "--shared must be 0"}}) {
    auto result = plan(test.model, test.request);
    ASSERT_FALSE(result) << test.model;
    EXPECT_EQ(result.error().kind, test.kind) << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr(test.message));
  }
}

TEST(FactoredCheckpoint, OpensAndKeepsOtherTensors) {
  auto source = Checkpoint::open(fixtures + "llama");
  ASSERT_TRUE(source);
  for (int64_t topK : {2, 3}) {
    auto made = planFactoring(
        *source,
        {.experts = 4, .topK = topK, .shared = source->find("model.layers.0.mlp.gate_proj.weight")->shape[0] % 4 + 4});
    ASSERT_TRUE(made) << made.error().message;
    std::string folder = testing::TempDir() + "yoke-factored";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    Status written = writeFactored(*source, *made, {}, folder);
    ASSERT_TRUE(written) << written.error().message;
    auto result = Checkpoint::open(folder);
    ASSERT_TRUE(result) << result.error().message;
    const TensorInfo *before = source->find("model.embed_tokens.weight"),
                     *after = result->find("model.embed_tokens.weight");
    ASSERT_TRUE(after);
    EXPECT_TRUE(std::ranges::equal(source->bytes(*before), result->bytes(*after)));
    EXPECT_FALSE(result->find("model.layers.0.mlp.gate_proj.weight"));
    const TensorInfo *down = result->find("model.layers.0.mlp.experts.3.down_proj.weight");
    ASSERT_TRUE(down);
    if (topK == 3)
      EXPECT_EQ(down->dtype, DType::F32);
    EXPECT_EQ(down->shape[1], made->expertInner());
  }
}

} // namespace
