// What config.json may say: values outside their rules, unsupported features, special tokens.
#include "TestFolder.h"

#include "LLM/LLM.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

using namespace yoke;
using namespace yoke::test;
using testing::AllOf;
using testing::HasSubstr;

namespace {

struct Family {
  const char *fixture;
  std::vector<const char *> sizes; ///< keys that must hold a positive integer
};

const std::vector<Family> families = {
    {"llama",
     {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
      "max_position_embeddings", "num_key_value_heads", "head_dim"}},
    {"gemma2", {"hidden_size", "head_dim", "sliding_window", "query_pre_attn_scalar", "num_key_value_heads"}},
    {"gpt2", {"vocab_size", "n_embd", "n_layer", "n_head", "n_positions"}},
    {"gpt-neox", {"hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers"}},
    {"opt", {"hidden_size", "ffn_dim", "num_attention_heads", "word_embed_proj_dim", "max_position_embeddings"}},
    {"mixtral", {"num_local_experts", "num_experts_per_tok", "intermediate_size"}},
    {"qwen2-moe",
     {"num_experts_per_tok", "moe_intermediate_size", "shared_expert_intermediate_size", "decoder_sparse_step"}},
    {"deepseek-v2", {"kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "n_shared_experts"}},
    {"deepseek-v3", {"q_lora_rank", "n_routed_experts", "n_group", "topk_group", "num_experts_per_tok"}},
    {"bert", {"hidden_size", "num_attention_heads", "type_vocab_size", "max_position_embeddings", "vocab_size"}},
};

TEST(Config, SizesOutsideTheirRuleAreNamed) {
  const Json wrong[] = {-1, 0, int64_t(1) << 40, "4096", true, Json::array({1}), Json::object()};
  for (const Family &family : families) {
    TestFolder folder(family.fixture);
    Json original = folder.json();
    for (const char *key : family.sizes)
      for (const Json &value : wrong) {
        folder.edit([&](Json &config) {
          config = original;
          config[key] = value;
        });
        EXPECT_THAT(importError(folder.path()), AllOf(HasSubstr("config.json: "), HasSubstr(key), HasSubstr("found ")))
            << family.fixture << " " << value;
      }
  }
}

TEST(Config, ExpertsThatCannotBeChosenAreRefused) {
  TestFolder folder("mixtral");
  folder.edit([](Json &config) { config["num_experts_per_tok"] = 9; });
  EXPECT_THAT(importError(folder.path()),
              AllOf(HasSubstr("config.json: "), HasSubstr("num_experts_per_tok"), HasSubstr("num_local_experts 4")));

  TestFolder sparse("qwen3-moe");
  sparse.edit([](Json &config) { config["mlp_only_layers"] = Json::array({"first"}); });
  EXPECT_THAT(importError(sparse.path()), HasSubstr("mlp_only_layers"));

  TestFolder clipped("olmoe");
  clipped.edit([](Json &config) { config["clip_qkv"] = 8.0; });
  EXPECT_THAT(importError(clipped.path()), HasSubstr("clip_qkv"));
}

TEST(Config, GroupsThatCannotBeChosenAreRefused) {
  auto expectError = [](const char *key, const Json &value, const char *message) {
    TestFolder folder("deepseek-v3"); // 8 experts in 4 groups, 2 of which are chosen from
    folder.edit([&](Json &config) { config[key] = value; });
    EXPECT_THAT(importError(folder.path()), HasSubstr(message));
  };
  expectError("n_group", 3, "n_group: 3 must divide the 8 routed experts");
  expectError("n_group", 8, "n_group: 8 groups of 8 experts have fewer than two each");
  expectError("topk_group", 5, "topk_group: 5 must be at most n_group 4");
  expectError("num_experts_per_tok", 5, "num_experts_per_tok: 5 must be at most the 4 experts of 2 groups");
  expectError("scoring_func", "softmax", "scoring_func: \"softmax\" is not supported, only \"sigmoid\"");
  expectError("num_key_value_heads", 2, "num_key_value_heads: 2 must be num_attention_heads 4");
  expectError("qk_rope_head_dim", 5, "rotary embeddings need an even head size, found 5");
}

TEST(Config, MissingExpertsAreNamed) {
  TestFolder folder("mixtral");
  std::string name = "model.layers.1.block_sparse_moe.experts.2.w2.weight";
  folder.editTensors([&](Json &tensors) {
    tensors["other"] = tensors[name];
    tensors.erase(name);
  });
  EXPECT_THAT(importError(folder.path()), HasSubstr("1 tensors are missing: \"" + name + "\""));
}

TEST(Config, RoutersOfNoNumberAreNamed) {
  TestFolder folder("mixtral");
  std::string name = "model.layers.1.block_sparse_moe.gate.weight", path = folder.path() + "/model.safetensors";
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  uint64_t headerSize = 0;
  std::memcpy(&headerSize, bytes.data(), sizeof(headerSize));
  size_t begin = sizeof(headerSize) + headerSize;
  auto header = parseJson(std::string_view(bytes).substr(sizeof(headerSize), headerSize), path);
  ASSERT_TRUE(header);
  size_t value = begin + (*header)[name]["data_offsets"][0].get<size_t>() + 3 * sizeof(uint16_t);
  bytes[value] = '\xc0', bytes[value + 1] = '\x7f';
  folder.write("model.safetensors", bytes);
  EXPECT_THAT(importError(folder.path()),
              HasSubstr("tensor \"" + name + "\" holds nan at element 3, expected finite values"));
}

TEST(Config, EveryKeyWithEveryKindOfValueGivesAModuleOrAnError) {
  const Json values[] = {nullptr,
                         -1,
                         0,
                         1.5,
                         7,
                         int64_t(1) << 40,
                         1e300,
                         "x",
                         true,
                         false,
                         Json::array({nullptr}),
                         Json::object({{"rope_type", "yarn"}})};
  for (const char *name : {"llama-yarn", "gemma2", "phi3-longrope", "gpt2", "gpt-neox", "opt", "bert"}) {
    TestFolder folder(name);
    Json original = folder.json();
    for (const auto &[key, old] : original.items())
      for (const Json &value : values) {
        folder.edit([&](Json &config) {
          config = original;
          config[key] = value;
        });
        mlir::MLIRContext context;
        auto module = import(context, folder.path());
        if (!module) {
          EXPECT_EQ(module.error().kind, ErrorKind::Malformed);
          EXPECT_LT(module.error().message.size(), 2000u);
        }
      }
  }
}

TEST(Config, HeadsMustDivide) {
  TestFolder folder("mistral");
  folder.edit([](Json &config) { config["num_key_value_heads"] = 3; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("num_key_value_heads: 3 must divide num_attention_heads 4"));
  folder.edit([](Json &config) {
    config["num_attention_heads"] = 6;
    config.erase("head_dim");
  });
  EXPECT_THAT(importError(folder.path()), HasSubstr("num_attention_heads: 6 must divide hidden_size 16"));
}

TEST(Config, NullIsNotANumber) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config["hidden_size"] = nullptr; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("hidden_size: expected an integer in [1, 16777216], found null"));
}

TEST(Config, AllProblemsAreReportedAtOnce) {
  TestFolder folder("llama");
  folder.edit([](Json &config) {
    config["hidden_act"] = "mish";
    config["rope_parameters"] = {{"rope_type", "spiral"}};
    config["sliding_window"] = 4;
    config["num_experts_per_tok"] = 2;
  });
  EXPECT_THAT(importError(folder.path()),
              AllOf(HasSubstr("unsupported activation \"mish\"; supported: gelu,"),
                    HasSubstr("unsupported rope type \"spiral\"; supported: default, linear"),
                    HasSubstr("sliding_window: 4 is not supported for LlamaForCausalLM"),
                    HasSubstr("num_experts_per_tok: 2 is not supported")));
}

TEST(Config, UnknownArchitecture) {
  TestFolder folder("llama");
  folder.edit([](Json &config) {
    config["architectures"] = {"FooForCausalLM"};
    config["quantization_config"] = {{"quant_method", "fp8"}, {"bits", 4}};
  });
  EXPECT_THAT(importError(folder.path()),
              AllOf(HasSubstr("unsupported architecture \"FooForCausalLM\"; supported: BertForMaskedLM"),
                    HasSubstr("LlamaForCausalLM"), HasSubstr("quant_method \"fp8\"")));
  folder.edit([](Json &config) { config["architectures"] = "LlamaForCausalLM"; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("architectures: expected"));
}

TEST(Config, ModelTypeStandsInForArchitectures) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config.erase("architectures"); });
  mlir::MLIRContext context;
  auto module = import(context, folder.path());
  ASSERT_TRUE(module) << module.error().message;
}

TEST(Config, QuantisationIsRefusedByName) {
  TestFolder folder("llama");
  folder.edit([](Json &config) { config["quantization_config"] = {{"quant_method", "fp8"}}; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("unsupported quant_method \"fp8\""));
}

TEST(Config, UnknownKeysWarnAndInertKeysDoNot) {
  TestFolder folder("llama");
  folder.edit([](Json &config) {
    config["favourite_colour"] = "green";
    config["embedding_dropout"] = 0.5;
    config["logit_scale"] = 1.0;
    config["sliding_window"] = nullptr;
  });
  mlir::MLIRContext context;
  std::vector<std::string> warnings;
  auto module = import(context, folder.path(), {.warnings = &warnings});
  ASSERT_TRUE(module) << module.error().message;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("favourite_colour: unknown key, ignored"));
}

mlir::DictionaryAttr attributes(mlir::ModuleOp module) {
  return module->getAttrOfType<mlir::DictionaryAttr>("llm.model");
}

TEST(SpecialTokens, GenerationConfigComesFirst) {
  TestFolder folder("llama");
  folder.write("generation_config.json", R"({"eos_token_id": [7, 3, 7], "bos_token_id": null})");
  mlir::MLIRContext context;
  auto module = import(context, folder.path());
  ASSERT_TRUE(module) << module.error().message;
  auto eos = attributes(module->get()).getAs<mlir::DenseI64ArrayAttr>("eos_token_ids");
  EXPECT_EQ(eos.asArrayRef(), (llvm::ArrayRef<int64_t>{3, 7}));
  EXPECT_EQ(attributes(module->get()).getAs<mlir::IntegerAttr>("bos_token_id").getInt(), 0);
}

TEST(SpecialTokens, MustBeInTheVocabulary) {
  TestFolder folder("llama");
  folder.write("generation_config.json", "{}");
  folder.edit([](Json &config) { config["eos_token_id"] = 32; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("eos_token_id: 32 is not an id below vocab_size 32"));
  folder.edit([](Json &config) { config["eos_token_id"] = {1, 99}; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("eos_token_id[1]"));
  folder.edit([](Json &config) { config["eos_token_id"] = 1; });
  folder.write("generation_config.json", R"({"eos_token_id": -2})");
  EXPECT_THAT(importError(folder.path()), HasSubstr("generation_config.json: eos_token_id"));
}

TEST(SpecialTokens, NullMeansNone) {
  TestFolder folder("llama");
  folder.write("generation_config.json", "{}");
  folder.edit([](Json &config) {
    config["eos_token_id"] = nullptr;
    config["bos_token_id"] = nullptr;
    config["pad_token_id"] = -1;
  });
  mlir::MLIRContext context;
  auto module = import(context, folder.path());
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_TRUE(attributes(module->get()).getAs<mlir::DenseI64ArrayAttr>("eos_token_ids").empty());
  EXPECT_FALSE(attributes(module->get()).contains("bos_token_id"));
  EXPECT_FALSE(attributes(module->get()).contains("pad_token_id"));
}

TEST(LayerTypes, AreChecked) {
  TestFolder folder("gemma2");
  folder.edit([](Json &config) { config["layer_types"] = {"full_attention"}; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("layer_types: has 1 elements for 2 layers"));
  folder.edit([](Json &config) { config["layer_types"] = {"full_attention", "linear_attention"}; });
  EXPECT_THAT(importError(folder.path()), HasSubstr("unsupported layer type \"linear_attention\""));
  folder.edit([](Json &config) {
    config["layer_types"] = {"full_attention", "sliding_attention"};
    config["sliding_window"] = nullptr;
  });
  EXPECT_THAT(importError(folder.path()), HasSubstr("needs a sliding_window"));
}

} // namespace
