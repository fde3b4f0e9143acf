// Shapes of models from names and config.json.
#include "Simulator/Model.h"

#include <gtest/gtest.h>

using namespace yoke;
using namespace yoke::sim;

namespace {

std::string llama(const std::string &change = "", const std::string &heads = "32") {
  return R"({"model_type":"llama","hidden_size":4096,"num_attention_heads":)" + heads +
         R"(,"num_key_value_heads":8,"num_hidden_layers":32,"intermediate_size":14336,"vocab_size":128256)" + change +
         "}";
}

std::string refusal(const std::string &text) {
  Result<ModelShape> model = parseModelConfig(text, "config.json", "x");
  return model ? "" : model.error().message;
}

} // namespace

TEST(Model, ConfigGivesTheNamedShape) {
  Result<ModelShape> read = parseModelConfig(llama(), "config.json", "x");
  ASSERT_TRUE(read) << read.error().message;
  ModelShape named = *findModel("llama3-8b");
  EXPECT_EQ(read->blockWeights(), named.blockWeights());
  EXPECT_EQ(read->queriesPerKey(), 4);
  EXPECT_EQ(read->headSize, 128);
  EXPECT_EQ(read->vocabulary, 128256);
}

TEST(Model, GptBlocksHaveTwelveSquares) {
  for (const char *name : {"gpt3-7b", "gpt3-13b", "gpt3-30b", "gpt3-175b"}) {
    ModelShape model = *findModel(name);
    EXPECT_EQ(model.blockWeights(), 12 * model.width * model.width / model.tensorParallel);
    EXPECT_EQ(model.queriesPerKey(), 1);
  }
}

TEST(Model, KeyHeadsAreKeptTwiceWhenThereAreFewerThanDevices) {
  ModelShape model = *findModel("llama3-8b");
  model.tensorParallel = 16;
  EXPECT_TRUE(checkParallelism(model));
  EXPECT_EQ(model.keyHeadsPerDevice(), 1);
  EXPECT_EQ(model.queriesPerKey(), 2);
}

TEST(Model, WhatTheSimulatorDoesNotKnowIsRefused) {
  EXPECT_NE(refusal(R"({"model_type":"bert"})").find("model_type"), std::string::npos);
  EXPECT_NE(refusal(R"({"model_type":"llama"})").find("hidden_size"), std::string::npos);
  EXPECT_NE(refusal(llama(R"(,"num_local_experts":8)")).find("num_local_experts"), std::string::npos);
  EXPECT_NE(refusal(llama("", "0")).find("num_attention_heads"), std::string::npos);
  EXPECT_NE(refusal(llama("", "33")).find("num_attention_heads % num_key_value_heads"), std::string::npos);
  EXPECT_NE(refusal("[]"), "");
  EXPECT_FALSE(findModel("gpt3-8b"));
}

TEST(Model, ParallelismMustDivide) {
  ModelShape model = *findModel("gpt3-7b");
  for (int64_t tensors : {0, 3, 64}) {
    model.tensorParallel = tensors;
    EXPECT_FALSE(checkParallelism(model)) << tensors;
  }
  model.tensorParallel = 4;
  model.pipelineParallel = 33;
  EXPECT_FALSE(checkParallelism(model));
}
