#include "Factor/LayerFit.h"
#include "Factor/RouterFit.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace yoke;

namespace {

constexpr int64_t hidden = 16, inner = 32;

FloatMatrix randomMatrix(int64_t rows, int64_t columns, float deviation, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  FloatMatrix matrix(rows, columns);
  for (float &value : matrix.data)
    value = normal(random);
  return matrix;
}

GatedBlock randomBlock() {
  return {randomMatrix(inner, hidden, 0.3f, 1), randomMatrix(inner, hidden, 0.3f, 2),
          randomMatrix(hidden, inner, 0.3f, 3)};
}

FloatMatrix outputs(const GatedBlock &block, const FloatMatrix &x) {
  FloatMatrix gate(x.rows, block.inner()), up(gate), out(x.rows, hidden);
  multiply(x, MatrixView(block.gate).transposed(), gate);
  multiply(x, MatrixView(block.up).transposed(), up);
  for (size_t i = 0; i < gate.data.size(); ++i)
    gate.data[i] *= up.data[i] / (1 + std::exp(-gate.data[i]));
  multiply(gate, MatrixView(block.down).transposed(), out);
  return out;
}

TEST(LayerFit, AllExpertsAreTheBlock) {
  GatedBlock block = randomBlock();
  FloatMatrix x = randomMatrix(300, hidden, 1, 4);
  LayerReport report;
  for (SplitKind kind : {SplitKind::Contiguous, SplitKind::Coactivation}) {
    auto layer = fitLayer(block, x, outputs(block, x), {.topK = 4, .split = kind}, report);
    ASSERT_TRUE(layer) << layer.error().message;
    EXPECT_LT(report.sumError, 1e-5);
    EXPECT_LT(report.error, 1e-10);
    for (float element : layer->router.data)
      EXPECT_EQ(element, 0);
    if (kind == SplitKind::Contiguous)
      EXPECT_EQ(layer->block.gate.data, block.gate.data);
  }
}

TEST(LayerFit, EachStageLessensTheError) {
  GatedBlock block = randomBlock();
  FloatMatrix x = randomMatrix(4096, hidden, 1, 4), target = outputs(block, x);
  LayerReport routed, refitted, descended;
  ASSERT_TRUE(fitLayer(block, x, target, {.shared = 8, .refitsDown = false}, routed));
  ASSERT_TRUE(fitLayer(block, x, target, {.shared = 8}, refitted));
  ASSERT_TRUE(fitLayer(block, x, target, {.shared = 8, .epochs = 5}, descended));
  EXPECT_LT(routed.sumError, 1e-5);
  EXPECT_EQ(routed.error, routed.splitError);
  EXPECT_LT(refitted.error, 0.97 * routed.error);
  EXPECT_LT(descended.error, 0.97 * refitted.error);
}

/// Tokens of four kinds, each of which moves a quarter of the neurons, scattered over the block.
TEST(LayerFit, FindsExpertsThatAreThere) {
  GatedBlock block = randomBlock();
  for (int64_t n = 0; n < inner; ++n)
    for (int64_t c = 0; c < hidden; ++c)
      if (c % 4 != n % 4)
        block.gate.row(n)[c] = block.up.row(n)[c] = 0;
  FloatMatrix x(1024, hidden);
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal;
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t c = 0; c < hidden; ++c)
      x.row(t)[c] = c % 4 == t % 4 ? 3 + normal(random) : 0;
  LayerReport report;
  auto layer = fitLayer(block, x, outputs(block, x), {.topK = 1, .refitsDown = false}, report);
  ASSERT_TRUE(layer);
  EXPECT_GT(report.routerAccuracy, 0.99);
  EXPECT_LT(report.error, 1e-3);
  for (int64_t i = 0; i < inner; ++i)
    EXPECT_EQ(layer->split.order[i] % 4, layer->split.order[i / 8 * 8] % 4);
  ASSERT_TRUE(
      fitLayer(block, x, outputs(block, x), {.topK = 1, .split = SplitKind::Contiguous, .refitsDown = false}, report));
  EXPECT_GT(report.error, 0.1);
}

TEST(LayerFit, ValuesThatAreNotFiniteAreAnError) {
  GatedBlock block = randomBlock();
  block.down.data[5] = std::numeric_limits<float>::infinity();
  FloatMatrix x = randomMatrix(64, hidden, 1, 4);
  LayerReport report;
  auto layer = fitLayer(block, x, x, {}, report);
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.error().kind, ErrorKind::Failed);
}

TEST(Routing, FactorsAreNearlyOne) {
  FloatMatrix x = randomMatrix(500, hidden, 1, 6);
  ExpertChoices wanted{2, {}};
  for (int64_t t = 0; t < x.rows; ++t)
    for (int32_t e : {x.row(t)[0] > 0 ? 0 : 1, x.row(t)[1] > 0 ? 2 : 3})
      wanted.experts.push_back(e);
  FloatMatrix router = fitRouter(x, wanted, 4), factors(x.rows, 4);
  EXPECT_GT(routerAccuracy(x, router, wanted), 0.9);
  routeRows(x, router, 2, 0, x.rows, factors);
  for (int64_t t = 0; t < x.rows; ++t) {
    int64_t used = 0;
    for (int64_t e = 0; e < 4; ++e)
      if (float factor = factors.row(t)[e]; factor != 0) {
        EXPECT_NEAR(factor, 1, 0.02);
        ++used;
      }
    EXPECT_EQ(used, 2);
  }
}

TEST(Routing, WithoutLogitsEveryWeightIsExact) {
  FloatMatrix x = randomMatrix(3, hidden, 1, 6), router(4, hidden), factors(3, 4);
  routeRows(x, router, 4, 0, 3, factors);
  for (float factor : factors.data)
    EXPECT_EQ(factor, 1.0f);
}

} // namespace
