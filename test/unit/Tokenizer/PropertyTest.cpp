#include "Fixtures.h"

#include <random>
#include <thread>
#include <time.h>

namespace yoke::test {
namespace {

std::string randomText(std::mt19937 &random, size_t characters) {
  std::string text;
  static const std::vector<std::string> some = {"a",
                                                "B",
                                                "9",
                                                " ",
                                                "\n",
                                                "\r\n",
                                                "'s",
                                                "é",
                                                "Ж",
                                                "東",
                                                "😀",
                                                "e\u0301",
                                                "\u200d",
                                                "\u3000",
                                                "٣",
                                                "<s>",
                                                std::string(1, '\0'),
                                                "\U000e0fff"};
  for (size_t i = 0; i < characters; ++i)
    text += some[random() % some.size()];
  return text;
}

TEST(ByteLevelTokenizers, DecodeInvertsEncode) {
  std::mt19937 random(7);
  for (const char *name : {"llama3", "o200k", "deepseek", "roberta"}) {
    Tokenizer tokenizer = loadFixture(name);
    for (size_t i = 0; i < 200; ++i) {
      std::string text = randomText(random, 1 + i % 50);
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false, false).value(), false), text) << name;
    }
  }
}

TEST(Encode, InvalidUtf8BecomesReplacementCharacters) {
  Tokenizer tokenizer = loadFixture("llama3");
  auto decoded = [&](std::string_view bytes) { return tokenizer.decode(tokenizer.encode(bytes, false).value()); };
  EXPECT_EQ(decoded("a\xFF"), "a\uFFFD");
  EXPECT_EQ(decoded("\xC3"), "\uFFFD");
  EXPECT_EQ(decoded("\xE2\x82z"), "\uFFFDz");
  EXPECT_EQ(decoded("\xF0\x9F\x98"), "\uFFFD");
  EXPECT_EQ(decoded("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decoded("\xC0\x80"), "\uFFFD\uFFFD");
  EXPECT_EQ(decoded("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(StreamingDecoder, HoldsHalfACharacter) {
  Tokenizer tokenizer = loadFixture("gpt2");
  StreamingDecoder decoder(tokenizer);
  std::string smile = "\U0001F9A8";
  std::vector<int32_t> ids = tokenizer.encode(smile, false, false).value();
  ASSERT_GT(ids.size(), 2u);
  EXPECT_EQ(decoder.feed(ids[0]), " ");
  for (size_t i = 1; i + 1 < ids.size(); ++i)
    EXPECT_EQ(decoder.feed(ids[i]), "");
  EXPECT_EQ(decoder.feed(ids.back()), smile);
  EXPECT_EQ(decoder.flush(), "");
  std::string half = decoder.feed(ids[0]) + decoder.feed(ids[1]);
  EXPECT_EQ(half, " ");
  EXPECT_EQ(decoder.flush(), "\uFFFD");
}

TEST(StreamingDecoder, ByteTokensWaitForTheirRunToEnd) {
  Tokenizer tokenizer = loadFixture("llama2");
  StreamingDecoder decoder(tokenizer);
  for (const char *token : {"<0xF0>", "<0x9F>", "<0x98>", "<0x80>"})
    EXPECT_EQ(decoder.feed(tokenizer.tokenToId(token).value()), "");
  EXPECT_EQ(decoder.feed(tokenizer.tokenToId("▁").value()), "😀 ");
  decoder.feed(tokenizer.tokenToId("<0xF0>").value());
  EXPECT_EQ(decoder.flush(), "\uFFFD");
}

double secondsOf(const Tokenizer &tokenizer, const std::string &text) {
  auto now = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double begin = now();
  auto ids = tokenizer.encode(text);
  EXPECT_TRUE(ids) << ids.error().message;
  return now() - begin;
}

/// Ten times the text may take some thirty times the time at worst, where quadratic work would take a hundred.
class HostileText : public testing::TestWithParam<std::string> {};

TEST_P(HostileText, TakesLinearTime) {
  Tokenizer tokenizer = loadFixture(GetParam());
  for (const std::string &unit :
       {"a", " ", "\u0301", "\u0301\u0323", "\u180e", "\U0003ffff", "\xFF", "\n", "<", "a b"}) {
    std::string small, large;
    while (small.size() < 100'000)
      small += unit;
    for (int i = 0; i < 10; ++i)
      large += small;
    secondsOf(tokenizer, small);
    double base = std::max(secondsOf(tokenizer, small), 0.002);
    EXPECT_LT(secondsOf(tokenizer, large), 30 * base) << testing::PrintToString(unit);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, HostileText,
                         testing::Values("llama3", "o200k", "llama2", "mistral", "t5", "albert", "bert", "splits"),
                         [](const auto &info) { return info.param; });

TEST(Encode, RunsOnManyThreads) {
  Tokenizer tokenizer = loadFixture("o200k");
  std::string text;
  for (const std::string &part : texts())
    text += part;
  auto expected = tokenizer.encode(text).value();
  std::vector<std::thread> threads;
  std::vector<int> same(8);
  for (int &flag : same)
    threads.emplace_back([&] { flag = tokenizer.encode(text).value() == expected; });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(same, std::vector<int>(8, 1));
}

} // namespace
} // namespace yoke::test
