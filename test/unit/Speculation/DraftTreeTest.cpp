#include "runtime/Speculation/DraftTree.h"
#include "Support/TreeTopology.h"
#include "runtime/Speculation/TreeSizing.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace yoke {
namespace {

int64_t ones(const std::vector<uint64_t> &mask) {
  return std::accumulate(mask.begin(), mask.end(), int64_t(0),
                         [](int64_t sum, uint64_t word) { return sum + __builtin_popcountll(word); });
}

DraftTree randomTree(std::mt19937 &random, int32_t nodes, int32_t tokens) {
  DraftTree tree(0);
  for (int i = 0; i < nodes; ++i) {
    const auto parent = static_cast<int32_t>(random() % tree.size());
    tree.add(parent, static_cast<int32_t>(random() % tokens), 0, static_cast<float>(random() % 100) / 100);
  }
  return tree;
}

TEST(TreeTopology, PublishedTreesHaveTheirNumbers) {
  const TreeTopology &medusa = medusaTopology();
  EXPECT_EQ(medusa.size(), 64);
  EXPECT_EQ(medusa.nodesPerDepth(), (std::vector<int32_t>{10, 28, 23, 2}));
  EXPECT_EQ(medusa.leaves(), 42);
  EXPECT_EQ(ones(ancestorMask(medusa.parents)), 207);
  const auto indices = medusa.candidateIndices(10);
  EXPECT_EQ(std::accumulate(indices.begin(), indices.end(), 0), 1029);

  const TreeTopology &recycling = tokenRecyclingTopology();
  EXPECT_EQ(recycling.size(), 81);
  EXPECT_EQ(recycling.nodesPerDepth(), (std::vector<int32_t>{8, 21, 25, 15, 8, 3}));
  EXPECT_EQ(recycling.leaves(), 40);
  EXPECT_EQ(ones(ancestorMask(recycling.parents)), 324);
}

TEST(TreeTopology, PathsInAnyOrderAreSorted) {
  auto tree = TreeTopology::fromPaths({{1}, {0, 1}, {0}, {0, 0}, {0, 1, 3}});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->parents, (std::vector<int32_t>{-1, 0, 0, 1, 1, 4}));
  EXPECT_EQ(tree->depths, (std::vector<int32_t>{0, 1, 1, 2, 2, 3}));
  EXPECT_EQ(tree->ranks, (std::vector<int32_t>{-1, 0, 1, 0, 1, 3}));
}

TEST(TreeTopology, RefusesWhatIsNoTree) {
  auto message = [](std::string_view json) {
    auto tree = TreeTopology::parse(json, "tree.json");
    EXPECT_FALSE(tree) << json;
    return tree ? "" : tree.error().message;
  };
  EXPECT_EQ(message("[[0], [1, 0]]"), "tree.json: path [1, 0]: its parent is not in the tree");
  EXPECT_EQ(message("[[0], [0]]"), "tree.json: path [0] is listed twice");
  EXPECT_EQ(message("[[]]"), "tree.json: path [] is the root, which is not listed");
  EXPECT_NE(message("[[-1]]").find("path 0"), std::string::npos);
  EXPECT_NE(message("[[0.5]]").find("path 0"), std::string::npos);
  EXPECT_NE(message("[0]").find("path 0"), std::string::npos);
  EXPECT_NE(message("{}").find("list of paths"), std::string::npos);
  EXPECT_NE(message("[[0]").find("tree.json"), std::string::npos);
  std::string many = "[[0]";
  for (int i = 1; i < 2000; ++i)
    many += fmt::format(",[{}]", i % TreeTopology::maxNodes);
  EXPECT_NE(message(many + "]").find("at most 1023"), std::string::npos);
  EXPECT_TRUE(TreeTopology::parse("[]", "tree.json"));
}

TEST(DraftTree, MaskAgainstADenseOracle) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const DraftTree tree = randomTree(random, 1 + static_cast<int32_t>(random() % 100), 8);
    std::vector<int32_t> parents;
    for (int32_t node = 0; node < tree.size(); ++node)
      parents.push_back(tree[node].parent);
    // Oracle: the transitive closure of "is the parent of", by repeated squaring of a dense matrix.
    const size_t size = parents.size();
    std::vector<std::vector<uint8_t>> dense(size, std::vector<uint8_t>(size));
    for (size_t node = 0; node < size; ++node) {
      dense[node][node] = 1;
      if (parents[node] >= 0)
        dense[node][parents[node]] = 1;
    }
    for (size_t via = 0; via < size; ++via)
      for (size_t from = 0; from < size; ++from)
        if (dense[from][via])
          for (size_t to = 0; to < size; ++to)
            dense[from][to] |= dense[via][to];
    const auto mask = ancestorMask(parents);
    const size_t words = (size + 63) / 64;
    for (size_t node = 0; node < size; ++node)
      for (size_t other = 0; other < size; ++other)
        ASSERT_EQ(mask[node * words + other / 64] >> (other % 64) & 1, dense[node][other]);
  }
}

TEST(DraftTree, TheBestNodesAreATreeInBranchOrder) {
  std::mt19937 random(2);
  for (int i = 0; i < 1000; ++i) {
    const DraftTree tree = randomTree(random, 40, 6);
    const auto guesses = static_cast<int32_t>(random() % 45);
    const DraftTree best = tree.best(guesses);
    ASSERT_EQ(best.size(), std::min(guesses, tree.size() - 1) + 1);
    float sum = 0, expected = 0;
    for (int32_t node = 1; node < best.size(); ++node) {
      ASSERT_LT(best[node].parent, node);
      ASSERT_EQ(best[node].depth, best[best[node].parent].depth + 1);
      ASSERT_LE(best[node].probability, best[best[node].parent].probability + 1e-6f);
      sum += best[node].probability;
    }
    std::vector<int32_t> order = tree.byProbability();
    order.resize(best.size() - 1);
    for (int32_t node : order)
      expected += tree[node].probability;
    ASSERT_NEAR(sum, expected, 1e-3);
    // A branch that is entered is finished before the next one begins.
    for (int32_t node = 1; node < best.size(); ++node) {
      const int32_t previous = node - 1;
      int32_t ancestor = previous;
      while (ancestor >= 0 && ancestor != best[node].parent)
        ancestor = best[ancestor].parent;
      ASSERT_GE(ancestor, 0) << "node " << node << " does not hang from the branch before it";
    }
  }
}

TEST(DraftTree, OneTokenIsOneChild) {
  DraftTree tree(5);
  const int32_t a = tree.add(0, 7, 1, 0.25f);
  EXPECT_EQ(tree.add(0, 7, 2, 0.5f), a);
  EXPECT_EQ(tree[a].kind, 2);
  EXPECT_FLOAT_EQ(tree[a].probability, 0.5f);
  EXPECT_EQ(tree.add(0, 7, 3, 0.1f), a);
  EXPECT_EQ(tree[a].kind, 2);
  const int32_t b = tree.add(0, 8, 1, 2.0f);
  EXPECT_FLOAT_EQ(tree[b].probability, 1);
  EXPECT_EQ(tree.child(0, 8), b);
  EXPECT_EQ(tree.child(0, 9), -1);
  EXPECT_EQ(tree.child(a, 7), -1);
}

/// Greedy acceptance walks down while a child has the token that the model chose; against the longest root path whose
/// tokens are all what the model chose at the node before.
TEST(DraftTree, AcceptWalkFindsTheLongestPath) {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    const DraftTree tree = randomTree(random, 1 + static_cast<int32_t>(random() % 30), 3);
    std::vector<int32_t> chosen;
    for (int32_t node = 0; node < tree.size(); ++node)
      chosen.push_back(static_cast<int32_t>(random() % 3));
    int32_t walked = 0;
    for (int32_t next; (next = tree.child(walked, chosen[walked])) >= 0;)
      walked = next;
    int32_t longest = 0;
    for (int32_t node = 1; node < tree.size(); ++node) {
      bool agrees = true;
      for (int32_t n = node; n > 0; n = tree[n].parent)
        agrees &= tree[n].token == chosen[tree[n].parent];
      if (agrees && tree[node].depth > tree[longest].depth)
        longest = node;
    }
    ASSERT_EQ(walked, longest);
  }
}

CostModel ridge(int64_t rows) {
  std::vector<CostModel::Point> points;
  for (int64_t m = 1; m <= 64; ++m)
    points.push_back({m, std::max(1.0, static_cast<double>(m) / static_cast<double>(rows))});
  return CostModel(std::move(points));
}

TEST(TreeSizing, CutsToTheMachine) {
  // Published accuracies of Medusa's heads (7B), by rank, in a tree of all products.
  const std::vector<std::vector<float>> accuracies = {
      {0.56f, 0.12f, 0.06f, 0.04f}, {0.316f, 0.11f, 0.06f, 0.04f}, {0.2f, 0.09f, 0.05f, 0.04f}};
  DraftTree tree(0);
  for (int32_t a = 0; a < 4; ++a) {
    const int32_t first = tree.add(0, a, 0, accuracies[0][a]);
    for (int32_t b = 0; b < 4; ++b) {
      const int32_t second = tree.add(first, b, 0, accuracies[1][b]);
      for (int32_t c = 0; c < 4; ++c)
        tree.add(second, c, 0, accuracies[2][c]);
    }
  }
  int32_t before = -1;
  for (int64_t rows : {1, 2, 4, 8, 16, 32, 64}) {
    const TreeSize size = sizeTree(tree, ridge(rows), 0, 63);
    EXPECT_GE(size.guesses, before);
    before = size.guesses;
    if (rows == 1)
      EXPECT_EQ(size.guesses, 0);
    else
      EXPECT_GE(size.guesses, rows - 1) << "rows that cost nothing are used";
    EXPECT_GE(size.savedSeconds, 0);
  }
  EXPECT_EQ(before, 63);
  EXPECT_EQ(sizeTree(tree, ridge(16), 0, 5).guesses, 5);
  // Rows of other sequences use up what the machine has to spare.
  EXPECT_GT(sizeTree(tree, ridge(16), 0, 63).guesses, sizeTree(tree, ridge(16), 12, 63).guesses);
  EXPECT_EQ(sizeTree(tree, ridge(16), 40, 63).guesses, 0);
}

TEST(CostModel, LinesBetweenPoints) {
  CostModel cost({{1, 1.0}, {2, 3.0}, {4, 2.0}, {8, 4.0}});
  EXPECT_DOUBLE_EQ(cost.seconds(1), 1);
  EXPECT_DOUBLE_EQ(cost.seconds(2), 2) << "two rows cannot cost more than four";
  EXPECT_DOUBLE_EQ(cost.seconds(3), 2);
  EXPECT_DOUBLE_EQ(cost.seconds(6), 3);
  EXPECT_DOUBLE_EQ(cost.seconds(16), 8);
  EXPECT_EQ(cost.usefulRows(), 8);
  for (int i = 0; i < 1000; ++i)
    cost.observe(8, 16.0);
  EXPECT_NEAR(cost.seconds(8), 16, 1);
  EXPECT_EQ(cost.usefulRows(), 4);
  for (int i = 0; i < 2000; ++i)
    cost.observe(1, i % 2 ? 0.5 : 5.0);
  EXPECT_NEAR(cost.plainSeconds(), 0.5, 0.1) << "half of the steps were disturbed";
}

} // namespace
} // namespace yoke
