#include "Decode/Decode.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

using namespace mlir;
using namespace yoke;

namespace {
class TopologyTest : public testing::Test {
protected:
  TopologyTest() { context.loadDialect<decode::DecodeDialect>(); }

  decode::TopologyAttr parse(StringRef text) {
    return dyn_cast_if_present<decode::TopologyAttr>(
        parseAttribute(("#decode.topology<" + text + ">").str(), &context));
  }

  MLIRContext context;
};

struct Numbers {
  const char *name;
  int64_t size, depth, leaves, maskBits;
  std::vector<int32_t> perDepth;
};
} // namespace

TEST_F(TopologyTest, PublishedTreesFoldToTheirNumbers) {
  const Numbers published[] = {{"mc_sim_7b_63", 64, 4, 42, 207, {10, 28, 23, 2}},
                               {"token_recycling", 81, 6, 40, 324, {8, 21, 25, 15, 8, 3}}};
  for (const Numbers &numbers : published) {
    decode::TopologyAttr topology = parse(numbers.name);
    ASSERT_TRUE(topology) << numbers.name;
    TreeTopology tree = topology.getTree();
    EXPECT_EQ(topology.getSize(), numbers.size);
    EXPECT_EQ(topology.getDepth(), numbers.depth);
    EXPECT_EQ(tree.leaves(), numbers.leaves);
    EXPECT_EQ(tree.nodesPerDepth(), numbers.perDepth);
    int64_t bits = 0;
    for (uint64_t word : ancestorMask(tree.parents))
      bits += __builtin_popcountll(word);
    EXPECT_EQ(bits, numbers.maskBits);
    std::string text;
    llvm::raw_string_ostream(text) << topology;
    EXPECT_EQ(parseAttribute(text, &context), topology) << "what is printed reads back";
  }
  std::vector<int32_t> indices = parse("mc_sim_7b_63").getTree().candidateIndices(10);
  EXPECT_EQ(std::accumulate(indices.begin(), indices.end(), 0), 1029);
}

TEST_F(TopologyTest, ChildrenAreNeighbours) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<int32_t>> paths = {{}};
    for (int tries = 0; tries < 40; ++tries) {
      std::vector<int32_t> path = paths[random() % paths.size()];
      path.push_back(static_cast<int32_t>(random() % 5));
      if (llvm::find(paths, path) == paths.end())
        paths.push_back(path);
    }
    paths.erase(paths.begin());
    Result<TreeTopology> tree = TreeTopology::fromPaths(paths);
    ASSERT_TRUE(tree);
    auto topology = decode::TopologyAttr::get(&context, *tree);
    SmallVector<int32_t> first = topology.getFirstChildren(), counts = topology.getChildCounts();
    int64_t children = 0;
    for (int64_t node = 0; node < topology.getSize(); ++node)
      for (int32_t child = first[node]; child < first[node] + counts[node]; ++child, ++children)
        EXPECT_EQ(topology.getParents()[child], node);
    EXPECT_EQ(children, topology.getSize() - 1);

    // Any choice of nodes leaves a tree, without what stands below a node that goes.
    uint32_t chosen = random();
    decode::TopologyAttr kept = topology.keeping([&](int64_t node) { return chosen >> (node % 32) & 1; });
    EXPECT_LE(kept.getSize(), topology.getSize());
    TreeTopology smaller = kept.getTree();
    for (int32_t node = 1; node < smaller.size(); ++node)
      EXPECT_LT(smaller.parents[node], node);
  }
}
