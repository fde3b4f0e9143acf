#include "Package/Manifest.h"
#include "test/unit/Package/Samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using testing::HasSubstr;
using yoke::test::sampleManifest;

namespace {

/// The sample with the value at a JSON pointer replaced by `value`, or removed when `value` is empty.
Result<Manifest> changed(std::string_view pointer, std::string_view value) {
  Json json = sampleManifest().toJson();
  Json::json_pointer place{std::string(pointer)};
  if (value.empty())
    json[place.parent_pointer()].erase(place.back());
  else
    json[place] = *parseJson(value, "test");
  return Manifest::fromJson(json, "manifest");
}

} // namespace

TEST(Manifest, RoundTrips) {
  Manifest manifest = sampleManifest();
  Result<Manifest> read = Manifest::parse(dumpJson(manifest.toJson()), "manifest");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->toJson(), manifest.toJson());
  EXPECT_EQ(read->bosTokenId, 1);
  EXPECT_EQ(read->padTokenId, std::nullopt);
  EXPECT_EQ(read->step.kvLayers[1].valueOffset, 3072);
  EXPECT_EQ(read->step.arenaSize(3), 4096 + 3 * 64);
  EXPECT_EQ(read->step.records[1].kind, StepRecord::Kind::ExpertLoad);
}

TEST(Manifest, ElementsOfKeysAndValuesAreFloat32UnlessItSays) {
  Manifest manifest = sampleManifest();
  manifest.step.kvLayers[1].elementBytes = 2;
  Result<Manifest> read = Manifest::parse(dumpJson(manifest.toJson()), "manifest");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->step.kvLayers[0].elementBytes, 4);
  EXPECT_EQ(read->step.kvLayers[1].elementBytes, 2);
  EXPECT_EQ(read->step.kvLayers[1].blockBytes(16), 2 * 8 * 16 * 2);
}

TEST(Manifest, ALoopIsRead) {
  Result<Manifest> manifest = changed("/loop", R"({"draft": "prompt-lookup:n=2", "capacity": 8, "best": 1})");
  ASSERT_TRUE(manifest) << manifest.error().message;
  ASSERT_TRUE(manifest->loop);
  EXPECT_EQ(manifest->loop->drafter(), "prompt-lookup");
  EXPECT_EQ(manifest->loop->capacity, 8);
  EXPECT_EQ(Manifest::fromJson(manifest->toJson(), "again")->toJson(), manifest->toJson());
  EXPECT_FALSE(sampleManifest().loop);
  for (const char *wrong :
       {R"({"draft": "none", "capacity": 0, "best": 1})", R"({"draft": "none", "capacity": 1})",
        R"({"draft": "none", "capacity": 1, "best": -1})", R"({"draft": 1, "capacity": 1, "best": 1})",
        R"({"draft": "none", "capacity": 1, "best": 1, "more": 1})",
        R"({"draft": "none", "capacity": 1000000, "best": 1})"}) {
    manifest = changed("/loop", wrong);
    ASSERT_FALSE(manifest) << wrong;
    EXPECT_THAT(manifest.error().message, HasSubstr("loop")) << wrong;
  }
}

TEST(Manifest, DraftHeads) {
  Manifest manifest = sampleManifest();
  DraftDescription draft{"hydra", 2, manifest.vocabSize - 1, {{"hydra_prefix", manifest.step}, {"hydra_head_0", {}}}};
  draft.entries[1].step.maxTokens = draft.entries[1].step.outputColumns = 1;
  manifest.draft = draft;
  manifest.step.featureColumns = 7;
  Json json = manifest.toJson();
  Result<Manifest> read = Manifest::fromJson(json, "manifest");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->toJson(), json);
  EXPECT_EQ(read->draft->find("hydra_prefix")->step.kvLayers.size(), manifest.step.kvLayers.size());
  EXPECT_EQ(read->draft->find("eagle_layer"), nullptr);
  for (auto [pointer, value, message] :
       {std::tuple("/draft/kind", "\"other\"", "draft.kind"), std::tuple("/draft/heads", "0", "draft.heads"),
        std::tuple("/draft/vocabulary", "1000000", "draft.vocabulary"),
        std::tuple("/draft/entries/0/step/max_tokens", "0", "max_tokens"),
        std::tuple("/step/feature_columns", "0", "step.feature_columns")}) {
    Json damaged = json;
    damaged[Json::json_pointer(pointer)] = *parseJson(value, "test");
    Result<Manifest> refused = Manifest::fromJson(damaged, "manifest");
    ASSERT_FALSE(refused) << pointer;
    EXPECT_THAT(refused.error().message, HasSubstr(message));
  }
}

TEST(Manifest, EveryKeyIsNeeded) {
  Json json = sampleManifest().toJson();
  for (const char *object : {"", "/target", "/step", "/step/kv_layers/0", "/kernels/0"})
    for (const auto &[key, value] : json[Json::json_pointer(object)].items()) {
      if (key == "bos_token_id" || key == "pad_token_id" || key == "token_bytes" ||
          key == "records") // null and missing mean the same
        continue;
      Result<Manifest> manifest = changed(fmt::format("{}/{}", object, key), "");
      ASSERT_FALSE(manifest) << object << "/" << key;
      EXPECT_THAT(manifest.error().message, HasSubstr(key));
      EXPECT_FALSE(changed(fmt::format("{}/{}", object, key), "[[]]")) << object << "/" << key;
    }
}

TEST(Manifest, RefusesValuesOutOfRange) {
  struct Case {
    const char *pointer, *value, *message;
  } cases[] = {
      {"/format", "2", "format: version 2 is newer"},
      {"/format", "0", "format: expected an integer in [1"},
      {"/extra", "1", "extra: unknown key"},
      {"/target/extra", "1", "target.extra: unknown key"},
      {"/task", "\"serve\"", R"(task: expected one of "generate", "embed", "probe", found "serve")"},
      {"/source_sha256", "\"abc\"", "source_sha256: expected 64"},
      {"/parameters", "-1", "parameters: expected an integer in [0"},
      {"/step/records/0/kind", "\"other\"", "step.records[0].kind: expected one of"},
      {"/step/records/0/offset", "4092", "step.records[0].offset: expected an integer in [0, 4088], found 4092"},
      {"/step/records/0/offset", "4", "step.records[0].offset: expected a multiple of 8, found 4"},
      {"/step/records/0/size", "1000", "step.records[0].size: 8000 bytes exceed arena_bytes 4096"},
      {"/vocab_size", "0", "vocab_size: expected an integer in [1, 2147483647], found 0"},
      {"/vocab_size", "4294967296", "vocab_size"},
      {"/vocab_size", "101", "step.output_columns: expected at least vocab_size 101"},
      {"/vocab_size", "2", "eos_token_ids[0]: expected an integer in [0, 1], found 2"},
      {"/hidden_size", "1.5", "hidden_size"},
      {"/max_positions", "1e3", "max_positions"},
      {"/bos_token_id", "100", "bos_token_id: expected an integer in [0, 99], found 100"},
      {"/eos_token_ids", "[-1]", "eos_token_ids[0]"},
      {"/eos_token_ids", "7", "eos_token_ids: expected an array"},
      {"/pad_token_id", "\"0\"", "pad_token_id"},
      {"/step/max_tokens", "0", "step.max_tokens"},
      {"/step/max_tokens", "9223372036854775807", "step.max_tokens"},
      {"/step/arena_bytes", "9223372036854775807", "step.arena_bytes"},
      {"/step/arena_bytes", "-64", "step.arena_bytes"},
      {"/step/arena_bytes_per_thread", "18446744073709551615", "step.arena_bytes_per_thread"},
      {"/step/max_threads", "1025", "step.max_threads"},
      {"/step/page_tokens", "0", "step.page_tokens: expected an integer in [1"},
      {"/step/page_tokens", "65536", "step.kv_layers[0]: 4194304 bytes of keys exceed page_bytes 4096"},
      {"/step/page_bytes", "4095", "step.page_bytes: expected a multiple of 64"},
      {"/step/page_bytes", "0", "step.kv_layers: expected none"},
      {"/step/page_bytes", "4032", "step.kv_layers[1].value_offset: expected an integer in [0, 3008], found 3072"},
      {"/step/kv_layers/0/heads", "65536", "step.kv_layers[0]: 33554432 bytes of keys exceed"},
      {"/step/kv_layers/0/head_dim", "4294967297", "step.kv_layers[0].head_dim"},
      {"/step/kv_layers/0/element_bytes", "3", "step.kv_layers[0].element_bytes: expected 2 or 4, found 3"},
      {"/step/kv_layers/0/element_bytes", "8", "step.kv_layers[0].element_bytes: expected an integer in [2, 4]"},
      {"/step/kv_layers/0/key_offset", "-4", "step.kv_layers[0].key_offset"},
      {"/step/kv_layers/0/key_offset", "2", "multiple of 4"},
      {"/step/kv_layers/0/key_offset", "4", "layers 0 and 0 overlap"},
      {"/step/kv_layers/1/key_offset", "0", "layers 0 and 1 overlap"},
      {"/step/kv_layers/1/value_offset", "3076", "step.kv_layers[1].value_offset: expected an integer in [0, 3072]"},
      {"/kernels/0/calls", "-1", "kernels[0].calls"},
      {"/remarks", "[1]", "remarks[0]: expected a string"},
  };
  for (const Case &test : cases) {
    Result<Manifest> manifest = changed(test.pointer, test.value);
    ASSERT_FALSE(manifest) << test.pointer << " = " << test.value;
    EXPECT_EQ(manifest.error().kind, ErrorKind::Malformed);
    EXPECT_THAT(manifest.error().message, HasSubstr("manifest: ")) << test.pointer;
    EXPECT_THAT(manifest.error().message, HasSubstr(test.message)) << test.pointer;
  }
}

TEST(Manifest, ProductsFitAtTheLimits) {
  namespace limit = manifest_limits;
  StepDescription step;
  step.arenaBytes = limit::arenaBytes;
  step.arenaBytesPerThread = limit::arenaBytesPerThread;
  EXPECT_GT(step.arenaSize(limit::threads), limit::arenaBytes);
  EXPECT_GT(KvLayer({limit::heads, limit::headDim, 0, 0}).blockBytes(limit::pageTokens), 0);
  int64_t product;
  EXPECT_FALSE(__builtin_mul_overflow(limit::stepTokens * 4, limit::tokenIds, &product));
}

TEST(Manifest, ProbesHaveAnyNumberOfColumns) {
  Manifest manifest = sampleManifest();
  manifest.task = Task::Probe;
  manifest.step.outputColumns = 2;
  Result<Manifest> read = Manifest::fromJson(manifest.toJson(), "manifest");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->task, Task::Probe);
}

TEST(Manifest, EmbeddersHaveNoCache) {
  Manifest manifest = sampleManifest();
  manifest.task = Task::Embed;
  manifest.step.outputColumns = 16;
  manifest.step.pageBytes = manifest.step.pageTokens = 0;
  manifest.step.kvLayers.clear();
  Result<Manifest> read = Manifest::fromJson(manifest.toJson(), "manifest");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->task, Task::Embed);
}
