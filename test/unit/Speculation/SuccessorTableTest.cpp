#include "runtime/Speculation/SuccessorTable.h"

#include "Support/File.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace yoke {
namespace {

std::string temporaryFile(const char *name) { return testing::TempDir() + name; }

TEST(SuccessorTable, LearnsTheBestOfARow) {
  std::mt19937 random(3);
  for (size_t vocabulary : {8, 9, 63, 64, 65, 1000}) {
    SuccessorTable table(static_cast<int64_t>(vocabulary));
    for (int run = 0; run < 50; ++run) {
      std::vector<float> logits(vocabulary);
      for (float &logit : logits)
        logit = static_cast<float>(random() % 4000) / 100;
      std::vector<int32_t> order(vocabulary);
      std::iota(order.begin(), order.end(), 0);
      std::ranges::sort(order,
                        [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
      table.learn(5, logits);
      for (int32_t i = 0; i < SuccessorTable::width; ++i)
        ASSERT_EQ(table.of(5)[i].token, order[i]) << "vocabulary " << vocabulary;
    }
  }
}

TEST(SuccessorTable, MarginsAndNan) {
  SuccessorTable table(10);
  std::vector<float> logits = {0, 9, 5, 4, 3, 2, 1, -1, -2, -3};
  table.learn(0, logits);
  EXPECT_EQ(table.of(0)[0].token, 1);
  EXPECT_EQ(table.of(0)[0].margin, 3) << "4 ahead of the second";
  EXPECT_EQ(table.of(0)[1].margin, 3);
  logits[9] = NAN;
  logits[0] = 100;
  table.learn(0, logits);
  EXPECT_EQ(table.of(0)[0].token, 1);
  EXPECT_EQ(table.of(3)[0].token, -1);
  table.observe(3, 7);
  table.observe(3, 7);
  table.observe(3, 2);
  EXPECT_EQ(table.of(3)[0].token, 7);
  EXPECT_EQ(table.of(3)[1].token, 2);
  EXPECT_EQ(table.of(3)[2].token, -1);
}

TEST(SuccessorTable, SavesAndLoads) {
  SuccessorTable table(100);
  for (int32_t token = 0; token < 100; ++token)
    for (int32_t next = 0; next < token % 12; ++next)
      table.observe(token, (token * 7 + next) % 100);
  const std::string path = temporaryFile("table.recycle");
  ASSERT_TRUE(table.save(path, "model"));
  auto loaded = SuccessorTable::load(path, "model", 100);
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (int32_t token = 0; token < 100; ++token)
    for (int32_t i = 0; i < SuccessorTable::width; ++i) {
      EXPECT_EQ(loaded->of(token)[i].token, table.of(token)[i].token);
      EXPECT_EQ(loaded->of(token)[i].margin, table.of(token)[i].margin);
    }
}

TEST(SuccessorTable, RefusesDamage) {
  SuccessorTable table(50);
  table.observe(1, 2);
  const std::string path = temporaryFile("damaged.recycle");
  ASSERT_TRUE(table.save(path, "model"));
  const std::string good = readFile(path, 1 << 20).value();
  EXPECT_NE(SuccessorTable::load(path, "other", 50).error().message.find("another model"), std::string::npos);
  EXPECT_NE(SuccessorTable::load(path, "model", 51).error().message.find("50"), std::string::npos);
  EXPECT_FALSE(SuccessorTable::load(path + ".missing", "model", 50));
  auto tryBytes = [&](const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    auto loaded = SuccessorTable::load(path, "model", 50);
    EXPECT_FALSE(loaded);
    if (!loaded)
      EXPECT_EQ(loaded.error().kind, ErrorKind::Malformed) << loaded.error().message;
  };
  for (size_t length : {size_t(0), size_t(7), size_t(39), size_t(40), good.size() - 1})
    tryBytes(good.substr(0, length));
  tryBytes(good + "x");
  for (size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] ^= 0x41;
    tryBytes(bad);
  }
}

} // namespace
} // namespace yoke
