#include "runtime/SkipCalibration.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace yoke;

namespace {
/// 64 tokens of 8 layers whose middle layers change rows least, the more so the later the token.
CosineTable middleHeavy() {
  CosineTable table;
  table.layers = 8;
  for (int64_t token = 0; token < 64; ++token) {
    table.positions.push_back(token);
    for (int64_t layer = 0; layer < 8; ++layer)
      table.cosines.push_back(
          static_cast<float>(1 - 0.01 * std::abs(layer - 4) - 0.0001 * static_cast<double>(64 - token)));
  }
  return table;
}

SkipPolicy policyOf(int64_t first, int64_t last, int64_t warmUp, double tau, int64_t k) {
  SkipPolicy policy;
  policy.first = first;
  policy.last = last;
  policy.warmUp = warmUp;
  policy.tau = tau;
  policy.k = k;
  return policy;
}
} // namespace

TEST(SkipCalibration, EstimatesWhatAPolicySkips) {
  CosineTable table = middleHeavy();
  EXPECT_EQ(estimateSkips(table, policyOf(0, 8, 0, 2, 3)).fraction, 0);
  // Computes one, skips three, and again.
  EXPECT_EQ(estimateSkips(table, policyOf(0, 8, 0, -1, 3)).fraction, 0.75);
  EXPECT_EQ(estimateSkips(table, policyOf(0, 8, 32, -1, 3)).fraction, 0.375);
  EXPECT_EQ(estimateSkips(table, policyOf(2, 4, 0, -1, 1)).fraction, 0.125);
}

TEST(SkipCalibration, ChoosesTheLayersThatChangeLeast) {
  auto policy = chooseSkipPolicy(middleHeavy(), 0.125, 0);
  ASSERT_TRUE(policy);
  SkipEstimate estimate = estimateSkips(middleHeavy(), *policy);
  EXPECT_NEAR(estimate.fraction, 0.125, 0.025);
  EXPECT_LE(estimate.change, estimateSkips(middleHeavy(), policyOf(3, 5, 0, -1, 1)).change);
}

TEST(SkipCalibration, NothingReachesMoreThanThereIs) {
  EXPECT_FALSE(chooseSkipPolicy(middleHeavy(), 0.95, 0));
  EXPECT_FALSE(chooseSkipPolicy(middleHeavy(), 0.5, 63));
  EXPECT_FALSE(chooseSkipPolicy(CosineTable{1, {0}, {1}}, 0.1, 0));
}
