#include "Checkpoint/DType.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using namespace yoke;

namespace {

template <class T> float converted(DType dtype, T stored) {
  // One byte off, so that a load that assumes alignment is caught by the sanitizer.
  std::byte bytes[sizeof(T) + 1];
  memcpy(bytes + 1, &stored, sizeof(T));
  float out;
  convertToFloat(dtype, std::span(bytes + 1, sizeof(T)), std::span(&out, 1));
  return out;
}

float half(uint16_t bits) { return converted(DType::F16, bits); }

} // namespace

TEST(DType, NamesAndSizes) {
  EXPECT_EQ(dtypeFromName("F8_E4M3"), DType::F8E4M3);
  EXPECT_EQ(dtypeFromName("f32"), std::nullopt);
  EXPECT_EQ(dtypeFromName(""), std::nullopt);
  EXPECT_EQ(dtypeName(DType::BF16), "BF16");
  EXPECT_EQ(dtypeBits(DType::F4), 4u);
  EXPECT_EQ(dtypeBits(DType::F6E3M2), 6u);
  EXPECT_EQ(dtypeBits(DType::C64), 64u);
  EXPECT_EQ(dtypeBits(DType::U64), 64u);
  for (int i = 0; i <= static_cast<int>(DType::U64); ++i)
    EXPECT_EQ(dtypeFromName(dtypeName(static_cast<DType>(i))), static_cast<DType>(i));
}

TEST(DType, ConvertsEveryHalf) {
  EXPECT_EQ(half(0x3C00), 1.0f);
  EXPECT_EQ(half(0xC000), -2.0f);
  EXPECT_EQ(half(0x7BFF), 65504.0f);
  EXPECT_EQ(half(0x0001), 0x1p-24f);
  EXPECT_EQ(half(0x03FF), 1023 * 0x1p-24f);
  EXPECT_EQ(half(0x0400), 0x1p-14f);
  EXPECT_TRUE(std::signbit(half(0x8000)));
  EXPECT_EQ(half(0x7C00), INFINITY);
  EXPECT_EQ(half(0xFC00), -INFINITY);
  EXPECT_TRUE(std::isnan(half(0x7E01)));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto expected = static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(bits)));
    float actual = half(static_cast<uint16_t>(bits));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(actual)) << bits;
    else
      EXPECT_EQ(std::bit_cast<uint32_t>(actual), std::bit_cast<uint32_t>(expected)) << bits;
  }
}

TEST(DType, ConvertsTheOthers) {
  EXPECT_EQ(converted(DType::BF16, uint16_t(0x3F80)), 1.0f);
  EXPECT_EQ(converted(DType::BF16, uint16_t(0x0001)), 0x1p-133f);
  EXPECT_TRUE(std::isnan(converted(DType::BF16, uint16_t(0x7FC0))));
  EXPECT_EQ(converted(DType::F32, 1.25f), 1.25f);
  EXPECT_EQ(converted(DType::F64, 0.1), 0.1f);
  EXPECT_EQ(converted(DType::F64, 1e300), INFINITY);
  EXPECT_FALSE(isConvertibleToFloat(DType::I32));
  convertToFloat(DType::F32, {}, {});
}
