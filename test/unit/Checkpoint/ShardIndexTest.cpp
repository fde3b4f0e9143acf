#include "Checkpoint/ShardIndex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using testing::HasSubstr;

static Result<ShardIndex> parse(std::string_view text) { return parseShardIndex(text, "index.json"); }

TEST(ShardIndex, ReadsShardsAndWeights) {
  Result<ShardIndex> index = parse(R"({"metadata":{"total_size":1},"weight_map":
    {"b":"model-2.safetensors","a":"model-1.safetensors","c":"model-2.safetensors"}})");
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_THAT(index->shards, testing::ElementsAre("model-1.safetensors", "model-2.safetensors"));
  EXPECT_EQ(index->find("a")->shard, 0u);
  EXPECT_EQ(index->find("c")->shard, 1u);
  EXPECT_EQ(index->find("d"), nullptr);
}

TEST(ShardIndex, RefusesNamesThatAreNotPlain) {
  for (std::string_view name :
       {"../../x.safetensors", "/etc/passwd", "/abs.safetensors", "a/b.safetensors", "a\\\\b.safetensors", ".", "..",
        "", ".safetensors", "x\\u0000.safetensors", "pytorch_model.bin", "/dev/zero", "./x.safetensors"}) {
    Result<ShardIndex> index = parse(fmt::format(R"({{"weight_map":{{"w.0":"{}"}}}})", name));
    ASSERT_FALSE(index) << name;
    EXPECT_THAT(index.error().message,
                HasSubstr("index.json: weight_map.w.0: shard name must be a plain file name ending in .safetensors"));
  }
  EXPECT_FALSE(parse(fmt::format(R"({{"weight_map":{{"w":"{}.safetensors"}}}})", std::string(250, 'x'))));
}

TEST(ShardIndex, RefusesOtherShapes) {
  const std::pair<std::string, const char *> cases[] = {
      {"[]", "expected an object"},
      {"{}", "weight_map: expected an object, found nothing"},
      {R"({"weight_map":[]})", "weight_map: expected an object"},
      {R"({"weight_map":{}})", "names no tensor"},
      {R"({"weight_map":{"w":1}})", "shard name must be a plain file name"},
      {R"({"weight_map":{"w":["a.safetensors"]}})", "shard name must be a plain file name"},
      {R"({"weight_map":{"w":"a.safetensors","w":"b.safetensors"}})", "duplicate key"},
      {R"({"weight_map":{"w":"a.safetensors"})", "line 1"},
      {std::string(100'000, '['), "nested deeper"},
  };
  for (const auto &[text, message] : cases) {
    Result<ShardIndex> index = parse(text);
    ASSERT_FALSE(index) << text.substr(0, 80);
    EXPECT_THAT(index.error().message, HasSubstr(message));
  }
}

TEST(ShardIndex, LimitsTheNumberOfShards) {
  auto index = [](size_t shards) {
    std::string map;
    for (size_t i = 0; i < shards; ++i)
      map += fmt::format(R"({}"w{}":"s{}.safetensors")", i ? "," : "", i, i);
    return parse(R"({"weight_map":{)" + map + "}}");
  };
  EXPECT_TRUE(index(maxShards));
  EXPECT_THAT(index(maxShards + 1).error().message, HasSubstr("10001 shards exceed the limit of 10000"));
}
