// Properties of quantised rows: what is rounded is near, zeros and odd lengths are right, a searched scale loses less.
#include "Quantizer/GroupQuantizer.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace yoke;

namespace {
std::vector<float> normalRow(size_t size, uint32_t seed, float deviation = 0.02f) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> row(size);
  for (float &x : row)
    x = normal(engine);
  return row;
}

std::vector<float> roundTrip(const QuantFormat &format, const std::vector<float> &row) {
  QuantizedRow quantized;
  quantizeRow(format, row, quantized);
  std::vector<float> out(row.size());
  dequantizeRow(format, quantized, out);
  return out;
}

double weightedError(const std::vector<float> &row, const std::vector<float> &rounded) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); ++i)
    sum += std::pow(double(row[i]) * (double(row[i]) - rounded[i]), 2);
  return sum;
}

class Formats : public testing::TestWithParam<QuantFormat> {};
} // namespace

TEST_P(Formats, ElementsAreWithinHalfAStepOfTheirGroup) {
  const QuantFormat &format = GetParam();
  for (size_t size : {1, 31, 32, 33, 100, 576}) {
    std::vector<float> row = normalRow(size, static_cast<uint32_t>(size)), rounded = roundTrip(format, row);
    for (size_t i = 0; i < size; ++i) {
      size_t begin = i / 32 * 32, end = std::min(begin + 32, size);
      float largest = 0;
      for (size_t k = begin; k < end; ++k)
        largest = std::max(largest, std::abs(row[k]));
      // A searched scale may cut the largest element off by some steps.
      float steps = format.searched ? 2.0f : 0.51f;
      float levels = static_cast<float>(format.middle() - 1);
      EXPECT_NEAR(rounded[i], row[i], steps * largest * 1.01f / levels) << "element " << i << " of " << size;
    }
  }
}

TEST_P(Formats, ZerosStayZeros) {
  std::vector<float> row = normalRow(96, 7);
  std::fill(row.begin() + 32, row.begin() + 64, 0.0f);
  row[3] = 0.0f;
  std::vector<float> rounded = roundTrip(GetParam(), row);
  for (size_t i = 32; i < 64; ++i)
    EXPECT_EQ(rounded[i], 0.0f);
  EXPECT_EQ(rounded[3], 0.0f);
}

TEST_P(Formats, RoundingTwiceIsRoundingOnceNearly) {
  std::vector<float> row = normalRow(320, 11), once = roundTrip(GetParam(), row), twice = roundTrip(GetParam(), once);
  EXPECT_LE(weightedError(once, twice), 0.02 * weightedError(row, std::vector<float>(row.size())));
}

TEST_P(Formats, OnlyTheGroupOfAnInfinityIsLost) {
  std::vector<float> row = normalRow(96, 13), plain = roundTrip(GetParam(), row);
  row[40] = std::numeric_limits<float>::infinity();
  std::vector<float> rounded = roundTrip(GetParam(), row);
  for (size_t i = 0; i < row.size(); ++i)
    if (i / 32 == 1)
      EXPECT_TRUE(std::isnan(rounded[i]));
    else
      EXPECT_EQ(rounded[i], plain[i]);
}

TEST_P(Formats, VeryLargeAndVerySmallRowsKeepTheirShape) {
  for (float size : {1e-20f, 1e-6f, 1e20f}) {
    if (GetParam().scale == ScaleType::Float16)
      continue;
    std::vector<float> row = normalRow(64, 17, size), rounded = roundTrip(GetParam(), row);
    double error = 0, squares = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      error += std::pow(double(row[i]) / size - double(rounded[i]) / size, 2);
      squares += std::pow(double(row[i]) / size, 2);
    }
    EXPECT_LT(error, 0.02 * squares) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Formats,
    testing::Values(QuantFormat{.bits = 8, .group = 32}, QuantFormat{.bits = 4, .group = 32},
                    QuantFormat{.bits = 4, .group = 32, .searched = true},
                    QuantFormat{.bits = 4, .group = 32, .asymmetric = true},
                    QuantFormat{.bits = 4, .group = 32, .asymmetric = true, .searched = true},
                    QuantFormat{.bits = 8, .group = 32, .scale = ScaleType::Float16, .asymmetric = true},
                    QuantFormat{.bits = 8, .group = 32, .scale = ScaleType::Float32}),
    [](const testing::TestParamInfo<QuantFormat> &info) { return "format" + std::to_string(info.index); });

TEST(GroupQuantizerTest, ASearchedScaleLosesLess) {
  for (bool asymmetric : {false, true}) {
    double plain = 0, searched = 0;
    for (uint32_t seed = 0; seed < 50; ++seed) {
      std::vector<float> row = normalRow(256, seed);
      QuantFormat format{.bits = 4, .group = 32, .asymmetric = asymmetric};
      plain += weightedError(row, roundTrip(format, row));
      format.searched = true;
      searched += weightedError(row, roundTrip(format, row));
    }
    EXPECT_LT(searched, 0.9 * plain) << asymmetric;
  }
}

TEST(RoundActivations, EachRunHasItsOwnStep) {
  std::vector<float> row = {1.0f, -127.0f, 0.4f, 0.6f, 0.5f, 0.25f, 1e-4f, 0.0f, 0.0f};
  roundActivations(row, 4, 127.0f);
  EXPECT_EQ(row, (std::vector<float>{1.0f, -127.0f, 0.0f, 1.0f, 0.5f, 64.0f * (0.5f / 127.0f), 0.0f, 0.0f, 0.0f}));
}

TEST(RoundActivations, WhatIsNotFiniteShows) {
  std::vector<float> row = {1.0f, std::numeric_limits<float>::infinity(), 1.0f, 2.0f};
  roundActivations(row, 2, 127.0f);
  EXPECT_TRUE(std::isnan(row[0]));
  EXPECT_TRUE(std::isfinite(row[2]));
}
