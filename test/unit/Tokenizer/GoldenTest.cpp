#include "Fixtures.h"

namespace yoke::test {
namespace {

using Ids = std::vector<std::vector<int32_t>>;

class Golden : public testing::TestWithParam<std::string> {
protected:
  const Json &expected = golden()[GetParam()];
  Tokenizer tokenizer = loadFixture(GetParam());
};

TEST_P(Golden, Encode) {
  Ids all = expected["encode"].get<Ids>(), bare = expected.value("bare", expected["encode"]).get<Ids>();
  std::vector<std::string> inputs = texts();
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(tokenizer.encode(inputs[i]).value(), all[i]) << inputs[i];
    EXPECT_EQ(tokenizer.encode(inputs[i], false).value(), bare[i]) << inputs[i];
  }
}

TEST_P(Golden, Decode) {
  Ids all = expected["encode"].get<Ids>();
  auto skipped = expected["decode"].get<std::vector<std::string>>();
  auto kept = expected.value("decode_all", expected["decode"]).get<std::vector<std::string>>();
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(tokenizer.decode(all[i]), skipped[i]);
    EXPECT_EQ(tokenizer.decode(all[i], false), kept[i]);
  }
}

TEST_P(Golden, StreamIsTheSameAsBatch) {
  std::vector<int32_t> ids;
  for (const auto &some : expected["encode"].get<Ids>())
    ids.insert(ids.end(), some.begin(), some.end());
  for (bool skip : {false, true}) {
    StreamingDecoder decoder(tokenizer, skip);
    std::string streamed;
    for (int32_t id : ids)
      streamed += decoder.feed(id);
    streamed += decoder.flush();
    EXPECT_EQ(streamed, tokenizer.decode(ids, skip));
  }
}

TEST_P(Golden, EveryIdIsAToken) {
  if (GetParam() == "added-tokens")
    GTEST_SKIP() << "its tokens have another text once normalized";
  for (int32_t id = 0; id <= tokenizer.maxId(); ++id)
    if (auto token = tokenizer.idToToken(id); token && !tokenizer.isSpecial(id))
      EXPECT_TRUE(tokenizer.tokenToId(*token).has_value()) << id;
  EXPECT_FALSE(tokenizer.idToToken(-1));
  EXPECT_FALSE(tokenizer.idToToken(INT32_MAX));
}

TEST_P(Golden, PlainTextGivesNoSpecialToken) {
  for (const std::string &text : texts())
    for (int32_t id : tokenizer.encode(text, false, false).value()) {
      bool unknown = id == tokenizer.tokenToId("<unk>") || id == tokenizer.tokenToId("[UNK]") ||
                     id == tokenizer.tokenToId("<|endoftext|>");
      EXPECT_TRUE(unknown || !tokenizer.isSpecial(id)) << text << " has " << id;
    }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Golden, testing::ValuesIn(fixtureNames()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
} // namespace yoke::test
