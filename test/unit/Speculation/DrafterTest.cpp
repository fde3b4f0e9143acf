#include "runtime/Speculation/PromptLookup.h"
#include "runtime/Speculation/SuffixDrafter.h"
#include "runtime/Speculation/TokenRecycling.h"

#include <gtest/gtest.h>

namespace yoke {
namespace {

std::vector<int32_t> firstBranch(const DraftTree &tree) {
  std::vector<int32_t> tokens;
  for (int32_t node = tree.firstChild(0); node >= 0; node = tree.firstChild(node))
    tokens.push_back(tree[node].token);
  return tokens;
}

TEST(PromptLookup, CopiesWhatFollowedTheFirstMatch) {
  AcceptanceModel acceptance;
  RequestAcceptance request(acceptance);
  const int32_t kinds = PromptLookup::addKinds(acceptance);
  PromptLookup lookup({3, 4}, request, kinds);
  std::vector<int32_t> text = {1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3};
  DraftTree tree(3);
  lookup.draft(text, {}, tree);
  EXPECT_EQ(firstBranch(tree), (std::vector<int32_t>{4, 5, 6, 7}));
  // The match grows with the text; what was guessed before changes nothing.
  text.push_back(20);
  tree.reset(20);
  lookup.draft(text, {}, tree);
  EXPECT_EQ(tree.size(), 1) << "20 is new";
  text.push_back(1);
  tree.reset(1);
  lookup.draft(text, {.nodes = 2}, tree);
  EXPECT_EQ(firstBranch(tree), (std::vector<int32_t>{2, 3}));
  tree.reset(1);
  lookup.draft(text, {.depth = 1}, tree);
  EXPECT_EQ(firstBranch(tree), (std::vector<int32_t>{2}));
}

TEST(PromptLookup, LongerMatchesComeFirst) {
  AcceptanceModel acceptance;
  RequestAcceptance request(acceptance);
  PromptLookup lookup({3, 10}, request, PromptLookup::addKinds(acceptance));
  const std::vector<int32_t> text = {2, 9, 9, 1, 2, 5, 5, 0, 1, 2};
  DraftTree tree(2);
  lookup.draft(text, {}, tree);
  EXPECT_EQ(tree[1].token, 5) << "1 2 was followed by 5; the first 2 alone by 9";
}

TEST(SuffixDrafter, BranchesWhereTheTextDid) {
  AcceptanceModel acceptance;
  RequestAcceptance request(acceptance);
  SuffixDrafter drafter(16, request, SuffixDrafter::addKinds(acceptance));
  // 1 2 was followed by 3 twice and by 4 once.
  const std::vector<int32_t> text = {1, 2, 3, 7, 1, 2, 4, 8, 1, 2, 3, 9, 1, 2};
  DraftTree tree(2);
  drafter.draft(text, {}, tree);
  EXPECT_GE(tree.child(0, 3), 0);
  EXPECT_GE(tree.child(0, 4), 0);
  EXPECT_GT(tree[tree.child(0, 3)].probability, tree[tree.child(0, 4)].probability);
  EXPECT_GE(tree.child(tree.child(0, 3), 7), 0);
  EXPECT_GE(tree.child(tree.child(0, 3), 9), 0);
  EXPECT_GE(tree.child(tree.child(0, 4), 8), 0);
}

TEST(SuffixDrafter, NothingFromNewTokens) {
  AcceptanceModel acceptance;
  RequestAcceptance request(acceptance);
  SuffixDrafter drafter(16, request, SuffixDrafter::addKinds(acceptance));
  DraftTree tree(3);
  drafter.draft(std::vector<int32_t>{1, 2, 3}, {}, tree);
  EXPECT_EQ(tree.size(), 1);
}

TEST(TokenRecycling, WalksTheTable) {
  AcceptanceModel acceptance;
  RequestAcceptance request(acceptance);
  SuccessorTable table(16);
  TokenRecycling drafter(tokenRecyclingTopology(), table, request, TokenRecycling::addKinds(acceptance));
  DraftTree tree(3);
  drafter.draft(std::vector<int32_t>{3}, {}, tree);
  EXPECT_EQ(tree.size(), 1) << "an empty table";
  std::vector<float> rows(16);
  for (int32_t i = 0; i < 16; ++i)
    rows[i] = static_cast<float>((i * 5 + 3) % 16);
  drafter.learn(DraftTree(3), rows);
  tree.reset(3);
  drafter.draft(std::vector<int32_t>{3}, {.nodes = 80, .minProbability = 0}, tree);
  EXPECT_EQ(tree.size(), 9) << "eight successors of 3, of which none is known but 3 itself";
  EXPECT_EQ(tree[1].token, 12);
  drafter.learn(tree, std::vector<float>(16 * tree.size(), 0.0f));
  tree.reset(3);
  drafter.draft(std::vector<int32_t>{3}, {.nodes = 200, .minProbability = 0}, tree);
  EXPECT_LE(tree.size(), 81);
  EXPECT_GT(tree.size(), 9);
}

TEST(AcceptanceModel, LearnsFromTheWholeTree) {
  AcceptanceModel acceptance;
  RequestAcceptance request(acceptance);
  const int32_t kinds = acceptance.addKinds({0.5f, 0.5f, 0.5f});
  DraftTree tree(0);
  const int32_t right = tree.add(0, 1, kinds, 0.5f);
  tree.add(0, 2, kinds + 1, 0.5f);
  tree.add(right, 3, kinds + 2, 0.5f);
  const int32_t path[] = {1, 4};
  for (int i = 0; i < 200; ++i)
    request.record(tree, path);
  EXPECT_GT(acceptance.probability(kinds), 0.95f);
  EXPECT_LT(acceptance.probability(kinds + 1), 0.05f);
  EXPECT_LT(acceptance.probability(kinds + 2), 0.05f);
  const float before = acceptance.probability(kinds + 2);
  request.record(tree, std::span(path).first(1));
  EXPECT_EQ(acceptance.probability(kinds + 2), before) << "what was not reached teaches nothing";
}

TEST(AcceptanceModel, ARequestHasItsOwnLuck) {
  AcceptanceModel acceptance;
  const int32_t kinds = acceptance.addKinds(std::vector<float>(20, 0.5f));
  DraftTree tree(0);
  RequestAcceptance good(acceptance), bad(acceptance);
  for (int32_t step = 0; step < 20; ++step) {
    tree.reset(0);
    tree.add(0, 1, kinds + step, 0.5f);
    const int32_t right = 1, wrong = 2;
    good.record(tree, {&right, 1});
    bad.record(tree, {&wrong, 1});
  }
  for (int32_t step = 0; step < 20; ++step) {
    EXPECT_NEAR(acceptance.probability(kinds + step), 0.5f, 0.01f);
    EXPECT_GT(good.probability(kinds + step), 0.75f);
    EXPECT_LT(bad.probability(kinds + step), 0.15f);
  }
}

} // namespace
} // namespace yoke
