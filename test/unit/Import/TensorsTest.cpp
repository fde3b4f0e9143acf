// Tensors of the checkpoint against those of the model.
#include "TestFolder.h"

#include "LLM/LLM.h"

#include <gmock/gmock.h>

using namespace yoke;
using namespace yoke::test;
using testing::AllOf;
using testing::HasSubstr;

namespace {

/// Gives `tensor` another name.
void rename(TestFolder &folder, const std::string &tensor, const std::string &name) {
  folder.editTensors([&](Json &header) {
    header[name] = header[tensor];
    header.erase(tensor);
  });
}

TEST(Tensors, WrongSizesInTheConfigAreCounted) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config["intermediate_size"] = 25; });
  EXPECT_THAT(importError(folder.path()),
              AllOf(HasSubstr("6 tensors have another shape"),
                    HasSubstr("model.layers.0.mlp.down_proj.weight is [16, 24], config.json asks for [16, 25]"),
                    HasSubstr("and 1 more")));
}

TEST(Tensors, MissingLayersAreCounted) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config["num_hidden_layers"] = 4; });
  EXPECT_THAT(importError(folder.path()),
              AllOf(HasSubstr("18 tensors are missing: \"model.layers.2."), HasSubstr("and 13 more")));
}

TEST(Tensors, MoreLayersThanTensors) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config["num_hidden_layers"] = 16384; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("num_hidden_layers: 16384 layers, but the checkpoint has only"));
}

TEST(Tensors, ExtraOnesAreRefusedAndBuffersAreNot) {
  TestFolder folder("llama");
  rename(folder, "model.layers.1.input_layernorm.weight", "model.layers.0.self_attn.rotary_emb.inv_freq");
  std::string message = importError(folder.path());
  EXPECT_THAT(message, HasSubstr("1 tensors are missing: \"model.layers.1.input_layernorm.weight\""));
  EXPECT_THAT(message, testing::Not(HasSubstr("inv_freq")));
  rename(folder, "model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.0.self_attn.q_proj.lora_A");
  EXPECT_THAT(importError(folder.path()),
              HasSubstr("1 tensors are not part of the model: \"model.layers.0.self_attn.q_proj.lora_A\""));
}

TEST(Tensors, IntegerWeightsAreRefused) {
  TestFolder folder("llama");
  folder.editTensors([](Json &header) { header["model.norm.weight"]["dtype"] = "I16"; });
  EXPECT_THAT(importError(folder.path()),
              AllOf(HasSubstr("unsupported dtype (supported: F32, F16, BF16)"), HasSubstr("model.norm.weight is I16")));
}

TEST(Tensors, ParametersAndTypeAreInTheModule) {
  mlir::MLIRContext context;
  auto module = import(context, fixture("llama"));
  ASSERT_TRUE(module) << module.error().message;
  auto model = module->get()->getAttrOfType<mlir::DictionaryAttr>("llm.model");
  int64_t attention = 16 * 24 * 2 + 16 * 12 * 2, layer = attention + 3 * 16 * 24 + 2 * 16;
  EXPECT_EQ(model.getAs<mlir::IntegerAttr>("parameters").getInt(), 2 * 32 * 16 + 2 * layer + 16);
  EXPECT_EQ(model.getAs<mlir::StringAttr>("weight_type").getValue(), "bf16");
}

TEST(Tensors, TiedHeadUsesTheEmbedding) {
  mlir::MLIRContext context;
  auto module = import(context, fixture("llama-tied"));
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_FALSE(module->get().lookupSymbol("lm_head.weight"));
  EXPECT_TRUE(module->get().lookupSymbol("model.embed_tokens.weight"));
}

TEST(Tensors, StoredHeadThatDiffersStaysApart) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config["tie_word_embeddings"] = true; });
  mlir::MLIRContext context;
  std::vector<std::string> warnings;
  auto module = import(context, folder.path(), {.warnings = &warnings});
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_TRUE(module->get().lookupSymbol("lm_head.weight"));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("differ"));
}

} // namespace
