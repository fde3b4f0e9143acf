// modules.json of sentence-transformers.
#include "TestFolder.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gmock/gmock.h>

using namespace yoke;
using namespace yoke::test;
using testing::HasSubstr;

namespace {

llm::PoolOp poolOf(mlir::ModuleOp module) {
  llm::PoolOp pool;
  module.walk([&](llm::PoolOp op) { pool = op; });
  return pool;
}

TEST(SentencePooling, MeanWithoutModules) {
  mlir::MLIRContext context;
  auto module = import(context, fixture("bert"));
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(poolOf(module->get()).getKind(), llm::PoolKind::mean);
  EXPECT_FALSE(poolOf(module->get()).getNormalize());
}

TEST(SentencePooling, NewerSpelling) {
  TestFolder folder("bert-cls");
  folder.write("1_Pooling/config.json", R"({"embedding_dimension": 16, "pooling_mode": "lasttoken"})");
  mlir::MLIRContext context;
  auto module = import(context, folder.path());
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(poolOf(module->get()).getKind(), llm::PoolKind::last);
  EXPECT_TRUE(poolOf(module->get()).getNormalize());
}

TEST(SentencePooling, UnsupportedModesAreNamed) {
  TestFolder folder("bert-cls");
  folder.edit([](Json &pooling) { pooling["pooling_mode_max_tokens"] = true; }, "1_Pooling/config.json");
  EXPECT_THAT(importError(folder.path()), HasSubstr("unsupported pooling by cls and max; supported: one of mean"));
  folder.write("1_Pooling/config.json", R"({"pooling_mode": "sum"})");
  EXPECT_THAT(importError(folder.path()), HasSubstr("unsupported mode \"sum\""));
  folder.write("1_Pooling/config.json", R"({"word_embedding_dimension": 17})");
  EXPECT_THAT(importError(folder.path()), HasSubstr("word_embedding_dimension"));
}

TEST(SentencePooling, ModulesAreChecked) {
  TestFolder folder("bert-cls");
  folder.edit([](Json &modules) { modules[2]["type"] = "sentence_transformers.models.Dense"; }, "modules.json");
  EXPECT_THAT(importError(folder.path()), HasSubstr("unsupported module \"sentence_transformers.models.Dense\""));
  for (const char *path : {"../secret", "..", "", "/etc", "a/b"}) {
    folder.edit(
        [&](Json &modules) {
          modules[1]["path"] = path;
          modules[2]["type"] = "sentence_transformers.models.Normalize";
        },
        "modules.json");
    EXPECT_THAT(importError(folder.path()), HasSubstr("must be the name of a folder beside this file")) << path;
  }
  folder.write("modules.json", "[]");
  EXPECT_THAT(importError(folder.path()), HasSubstr("0 modules are not supported"));
}

} // namespace
