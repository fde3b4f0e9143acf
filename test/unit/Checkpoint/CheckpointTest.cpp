#include "Checkpoint/Checkpoint.h"
#include "Checkpoint/ExpectedTensors.h"
#include "test/unit/Checkpoint/SafetensorsFile.h"
#include "test/unit/Support/TestFiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace yoke;
using namespace yoke::test;
using testing::HasSubstr;

namespace {

constexpr const char *indexFile = "model.safetensors.index.json";

/// U8 tensors of two elements, named by letters.
std::string shardOf(std::string_view letters) {
  std::string header = "{";
  for (size_t i = 0; i < letters.size(); ++i)
    header += fmt::format(R"({}"{}":{{"dtype":"U8","shape":[2],"data_offsets":[{},{}]}})", i ? "," : "", letters[i],
                          2 * i, 2 * i + 2);
  return safetensors(header + "}", 2 * letters.size());
}

class CheckpointTest : public testing::Test {
protected:
  CheckpointTest() { folder.write("config.json", "{}"); }

  void writeShards() {
    folder.write("s1.safetensors", shardOf("ac"));
    folder.write("s2.safetensors", shardOf("b"));
    folder.write(indexFile, R"({"weight_map":{"a":"s1.safetensors","b":"s2.safetensors","c":"s1.safetensors"}})");
  }

  std::string openError() {
    Result<Checkpoint> checkpoint = Checkpoint::open(folder.path());
    if (checkpoint)
      return "no error";
    EXPECT_EQ(checkpoint.error().kind, ErrorKind::Malformed);
    return checkpoint.error().message;
  }

  TemporaryFolder folder;
};

} // namespace

TEST_F(CheckpointTest, OpensASingleFile) {
  folder.write("model.safetensors", shardOf("ba"));
  folder.write("tokenizer.json", "tok");
  folder.write("chat_template.jinja", "{{ x }}");
  Result<Checkpoint> opened = Checkpoint::open(folder.path());
  ASSERT_TRUE(opened) << opened.error().message;
  Checkpoint checkpoint = std::move(*opened);
  EXPECT_EQ(checkpoint.config(), "{}");
  EXPECT_EQ(checkpoint.tokenizer(), "tok");
  EXPECT_EQ(checkpoint.chatTemplate(), "{{ x }}");
  EXPECT_FALSE(checkpoint.generationConfig());
  ASSERT_EQ(checkpoint.tensors().size(), 2u);
  EXPECT_EQ(checkpoint.tensors()[0]->name, "a");
  std::span<const std::byte> bytes = checkpoint.bytes(*checkpoint.find("a"));
  EXPECT_THAT(bytes, testing::ElementsAre(std::byte{2}, std::byte{3}));
  EXPECT_EQ(checkpoint.find("z"), nullptr);
}

TEST_F(CheckpointTest, OpensShards) {
  writeShards();
  Result<Checkpoint> checkpoint = Checkpoint::open(folder.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  ASSERT_EQ(checkpoint->tensors().size(), 3u);
  EXPECT_THAT(checkpoint->bytes(*checkpoint->find("b")), testing::ElementsAre(std::byte{0}, std::byte{1}));
  EXPECT_THAT(checkpoint->bytes(*checkpoint->find("c")), testing::ElementsAre(std::byte{2}, std::byte{3}));
}

TEST_F(CheckpointTest, ReportsWhatIsMissing) {
  EXPECT_THAT(openError(), HasSubstr("no model.safetensors and no model.safetensors.index.json"));
  folder.write("pytorch_model.bin", "");
  EXPECT_THAT(openError(), HasSubstr("convert it to safetensors"));
  std::filesystem::remove(folder.path("config.json"));
  EXPECT_THAT(openError(), HasSubstr("config.json: cannot open: No such file"));
  EXPECT_THAT(Checkpoint::open(folder.path("none")).error().message, HasSubstr("No such file"));
  EXPECT_THAT(Checkpoint::open(folder.path("pytorch_model.bin")).error().message,
              HasSubstr("expected a checkpoint folder"));
}

TEST_F(CheckpointTest, RefusesShardsThatAreNotPlainFiles) {
  writeShards();
  std::string shard = folder.path("s2.safetensors"), outside = folder.write("elsewhere/real", shardOf("b"));
  const std::string rule = "weight_map: shard name must be a plain file name: \"s2.safetensors\" is ";
  std::filesystem::remove(shard);
  EXPECT_THAT(openError(), HasSubstr(R"(weight_map: shard "s2.safetensors": No such file)"));
  std::filesystem::create_symlink(outside, shard);
  EXPECT_THAT(openError(), HasSubstr(rule + "a symbolic link"));
  std::filesystem::remove(shard);
  std::filesystem::create_symlink("/dev/zero", shard);
  EXPECT_THAT(openError(), HasSubstr(rule + "a symbolic link"));
  std::filesystem::remove(shard);
  ASSERT_EQ(mkfifo(shard.c_str(), 0600), 0);
  EXPECT_THAT(openError(), HasSubstr(rule + "a FIFO"));
  std::filesystem::remove(shard);
  std::filesystem::create_directory(shard);
  EXPECT_THAT(openError(), HasSubstr(rule + "a folder"));
}

TEST_F(CheckpointTest, RefusesAModelFileThatIsNotRegular) {
  ASSERT_EQ(mkfifo(folder.path("model.safetensors").c_str(), 0600), 0);
  EXPECT_THAT(openError(), HasSubstr("model.safetensors: expected a regular file, found a FIFO"));
}

TEST_F(CheckpointTest, FollowsTheLinksOfTheHuggingFaceCache) {
  std::string blob = folder.write("models--x/blobs/0123", shardOf("a"));
  folder.write("models--x/snapshots/rev/config.json", "{}");
  folder.write("models--x/snapshots/rev/model.safetensors.index.json", R"({"weight_map":{"a":"s.safetensors"}})");
  std::string snapshot = folder.path("models--x/snapshots/rev"), link = snapshot + "/s.safetensors";
  std::filesystem::create_symlink("../../blobs/0123", link);
  Result<Checkpoint> checkpoint = Checkpoint::open(snapshot);
  EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  std::filesystem::remove(link);
  std::filesystem::create_symlink(folder.write("models--x/other/0123", shardOf("a")), link);
  EXPECT_THAT(Checkpoint::open(snapshot).error().message, HasSubstr("is a symbolic link"));
}

TEST_F(CheckpointTest, ComparesTheIndexWithTheShards) {
  writeShards();
  folder.write("s1.safetensors", shardOf("a"));
  EXPECT_THAT(openError(), HasSubstr(R"(1 tensors are not in their shard: "c in s1.safetensors")"));
  folder.write("s1.safetensors", shardOf("abc"));
  EXPECT_THAT(openError(), HasSubstr(R"(1 tensors of the shards are not in the map: "b in s1.safetensors")"));
  folder.write("s1.safetensors", shardOf("acdefghij"));
  EXPECT_THAT(openError(), HasSubstr(R"(7 tensors of the shards are not in the map: "d in s1.safetensors")"));
  EXPECT_THAT(openError(), HasSubstr("and 2 more"));
  folder.write("s1.safetensors", shardOf("ac") + "x");
  EXPECT_THAT(openError(), HasSubstr("s1.safetensors: data section"));
}

TEST_F(CheckpointTest, HashesEveryByte) {
  folder.write("model.safetensors", shardOf("ab"));
  std::string key = Checkpoint::open(folder.path())->contentKey(), sha = *Checkpoint::open(folder.path())->sha256();
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(sha.size(), 64u);
  EXPECT_EQ(Checkpoint::open(folder.path())->contentKey(), key);
  std::string changed = shardOf("ab");
  changed.back() ^= 1;
  folder.write("model.safetensors", changed);
  EXPECT_NE(Checkpoint::open(folder.path())->contentKey(), key);
  EXPECT_NE(*Checkpoint::open(folder.path())->sha256(), sha);
  folder.write("model.safetensors", shardOf("ab"));
  EXPECT_EQ(Checkpoint::open(folder.path())->contentKey(), key);
  folder.write("tokenizer.json", "");
  EXPECT_NE(Checkpoint::open(folder.path())->contentKey(), key);
}

TEST_F(CheckpointTest, ComparesTensorsWithTheModel) {
  folder.write("model.safetensors", shardOf("abcxyz"));
  Checkpoint checkpoint = *Checkpoint::open(folder.path());
  auto none = [](std::string_view) { return false; };
  auto beyondX = [](std::string_view name) { return name >= "x"; };
  std::vector<ExpectedTensor> expected = {{"a", {2}}, {"b", {2}}, {"c", {2}}};
  EXPECT_TRUE(checkTensors(checkpoint, expected, beyondX));
  EXPECT_THAT(checkTensors(checkpoint, expected, none).error().message,
              HasSubstr(R"(3 tensors are not part of the model: "x", "y", "z")"));
  expected[1].shape = {1, 2};
  expected.push_back({"m", {1}});
  EXPECT_THAT(
      checkTensors(checkpoint, expected, beyondX).error().message,
      HasSubstr(
          R"(1 tensors are missing: "m"; 1 tensors have another shape: "b is [2], config.json asks for [1, 2]")"));
}
