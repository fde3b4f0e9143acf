#include "runtime/Speculation/AdaptiveTrigrams.h"

#include <gtest/gtest.h>

namespace yoke {
namespace {

TEST(TrigramTable, CountsACorpus) {
  TrigramTable table;
  table.count(std::vector<int32_t>{1, 2, 3, 1, 2, 3, 1, 2, 4});
  const auto after = table.of(1, 2);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].token, 3);
  EXPECT_FLOAT_EQ(after[0].weight, 2.0f / 3);
  EXPECT_EQ(after[1].token, 4);
  EXPECT_FLOAT_EQ(after[1].weight, 1.0f / 3);
  EXPECT_TRUE(table.of(9, 9).empty());
  table.count(std::vector<int32_t>{1});
}

TEST(TrigramTable, DriftsWithinItsLimits) {
  TrigramTable table(4);
  for (int i = 0; i < 1000; ++i)
    table.add(1, 2, i % 20, 0.04f);
  EXPECT_EQ(table.of(1, 2).size(), static_cast<size_t>(TrigramTable::width));
  for (int i = 0; i < 1000; ++i)
    table.add(1, 2, 7, 0.04f);
  EXPECT_EQ(table.of(1, 2)[0].token, 7);
  EXPECT_FLOAT_EQ(table.of(1, 2)[0].weight, 3);
  for (size_t i = 1; i < table.of(1, 2).size(); ++i)
    EXPECT_GE(table.of(1, 2)[i - 1].weight, table.of(1, 2)[i].weight);
  for (int i = 0; i < 100; ++i)
    table.add(i, i, 1, 0.04f);
  EXPECT_EQ(table.size(), 4u);
  EXPECT_TRUE(table.of(1, 2).empty()) << "the oldest pair went first";
  EXPECT_FALSE(table.of(99, 99).empty());
}

TEST(AdaptiveTrigrams, FindsTheLikelyContinuations) {
  for (bool monteCarlo : {false, true}) {
    AcceptanceModel acceptance;
    RequestAcceptance request(acceptance);
    TrigramTable table;
    std::vector<int32_t> corpus;
    for (int i = 0; i < 40; ++i)
      for (int32_t token : {1, 2, i % 4 ? 3 : 4, 5, 6, 7})
        corpus.push_back(token);
    table.count(corpus);
    AdaptiveTrigrams drafter(monteCarlo, table, request, AdaptiveTrigrams::addKinds(acceptance));
    DraftTree tree(2), again(2);
    drafter.draft(std::vector<int32_t>{9, 1, 2}, {.nodes = 30, .minProbability = 0.01f}, tree);
    const int32_t often = tree.child(0, 3), rarely = tree.child(0, 4);
    ASSERT_GE(often, 0);
    ASSERT_GE(rarely, 0);
    EXPECT_GT(tree[often].probability, tree[rarely].probability);
    const int32_t next = tree.child(often, 5);
    ASSERT_GE(next, 0);
    EXPECT_GE(tree.child(next, 6), 0);
    EXPECT_LE(tree.size(), 31);
    for (int32_t node = 1; node < tree.size(); ++node)
      EXPECT_LE(tree[node].depth, monteCarlo ? 4 : 64);
    AdaptiveTrigrams second(monteCarlo, table, request, 0);
    second.draft(std::vector<int32_t>{9, 1, 2}, {.nodes = 30, .minProbability = 0.01f}, again);
    ASSERT_EQ(again.size(), tree.size()) << "the same draft each time";
    again.reset(2);
    second.draft(std::vector<int32_t>{2}, {}, again);
    EXPECT_EQ(again.size(), 1) << "one token is no pair";
    again.reset(2);
    second.draft(std::vector<int32_t>{9, 1, 2}, {.nodes = 1}, again);
    EXPECT_LE(again.size(), 2);
  }
}

} // namespace
} // namespace yoke
