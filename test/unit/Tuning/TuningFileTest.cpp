#include "Tuning/TuningFile.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <random>

namespace yoke {
namespace {

using testing::HasSubstr;

std::string problemOf(const std::string &text) {
  auto file = TuningFile::parse(text, "t.json");
  return file ? "" : file.error().message;
}

std::string withKernel(const std::string &members) {
  return R"({"format": "yoke-tuning-1", "kernels": [{"target": "znver4/x86-64-v4", "version": "0.1.0", "kernel": "linear:8x8xf32", )" +
         members + "}]}";
}

KernelChoice randomChoice(std::mt19937 &random) {
  KernelChoice choice;
  for (const KernelChoice::Parameter &parameter : KernelChoice::parameters())
    if (random() % 2)
      choice.*parameter.value = std::uniform_int_distribution(parameter.least, parameter.most)(random);
  return choice;
}

TEST(KernelChoice, TextRoundTrips) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const KernelChoice choice = randomChoice(random);
    auto read = KernelChoice::parse(choice.text(), "test");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, choice);
    EXPECT_EQ(choice.text().empty(), choice.isDefault());
  }
}

TEST(KernelChoice, RefusesOtherText) {
  for (const char *text : {"rows", "rows=", "rows=0", "rows=13", "rows=3x", "rows=3,rows=3", "speed=1", "=1", ",rows=3",
                           "rows=-1", "rows=99999999999999999999", "rows=+3", " rows=3"}) {
    auto choice = KernelChoice::parse(text, "test");
    ASSERT_FALSE(choice) << text;
    EXPECT_EQ(choice.error().kind, ErrorKind::Malformed);
    EXPECT_THAT(choice.error().message, HasSubstr("test: choice: expected "));
  }
}

TEST(TuningFile, TextRoundTrips) {
  std::mt19937 random(2);
  TuningFile file;
  for (int i = 0; i < 20; ++i) {
    TunedKernel &kernel = file.at(i % 2 ? "a" : "b", "1", "kernel" + std::to_string(i / 2));
    kernel.threads = 1 + i;
    kernel.choice = randomChoice(random);
    kernel.times = {0.5 + i / 100.0, 0.75};
    kernel.measured[randomChoice(random).text()] = {0.125, 3};
  }
  auto read = TuningFile::parse(file.text(), "test");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text(), file.text());
  ASSERT_EQ(read->kernels.size(), 20u);
  EXPECT_EQ(read->find("a", "1", "kernel0")->choice, file.find("a", "1", "kernel0")->choice);
  EXPECT_EQ(read->find("a", "2", "kernel0"), nullptr);
}

TEST(TuningFile, WritesAndReads) {
  const std::string path = testing::TempDir() + "/tuning-test.json";
  TuningFile file;
  file.at("t", "v", "k").threads = 2;
  ASSERT_TRUE(file.write(path));
  auto read = TuningFile::read(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text(), file.text());
  std::filesystem::remove(path);
  EXPECT_FALSE(TuningFile::read(path));
}

TEST(TuningFile, RefusesOtherFilesNamingKeyAndRule) {
  const std::string rest = R"("threads": 2, "choice": "", "times": [1, 1])";
  EXPECT_EQ(problemOf(withKernel(rest)), "");
  EXPECT_THAT(problemOf("{}"), HasSubstr("t.json: format: "));
  EXPECT_THAT(problemOf(R"({"format": "other", "kernels": []})"), HasSubstr("yoke-tuning-1"));
  EXPECT_THAT(problemOf("["), HasSubstr("t.json: "));
  EXPECT_THAT(problemOf(withKernel(R"("threads": 0, "choice": "", "times": [1, 1])")), HasSubstr("threads: "));
  EXPECT_THAT(problemOf(withKernel(R"("threads": 1, "choice": "rows=99", "times": [1, 1])")),
              HasSubstr("kernels[0]: choice: expected rows"));
  EXPECT_THAT(problemOf(withKernel(R"("threads": 1, "choice": "", "times": [1])")), HasSubstr("times: expected 2"));
  EXPECT_THAT(problemOf(withKernel(R"("threads": 1, "choice": "", "times": [1, 0])")), HasSubstr("times"));
  EXPECT_THAT(problemOf(withKernel(rest + R"(, "measured": {"x": [1, 1]})")), HasSubstr("measured: choice: "));
  EXPECT_THAT(problemOf(withKernel(rest + R"(, "more": 1)")), HasSubstr("more"));
  const std::string twice = R"({"target": "t", "version": "v", "kernel": "k", )" + rest + "}";
  EXPECT_THAT(problemOf(R"({"format": "yoke-tuning-1", "kernels": [)" + twice + ", " + twice + "]}"),
              HasSubstr("k is there twice"));
  EXPECT_THAT(problemOf(R"({"format": "yoke-tuning-1", "kernels": [{"target": "a;b", "version": "v", "kernel": "k", )" +
                        rest + "}]}"),
              HasSubstr("target: "));
}

} // namespace
} // namespace yoke
