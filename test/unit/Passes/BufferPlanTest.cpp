#include "LowerCpu/BufferPlan.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace yoke;

namespace {
int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

bool liveTogether(const PlannedBuffer &a, const PlannedBuffer &b) { return a.first <= b.last && b.first <= a.last; }

/// The most bytes that are alive at one step.
int64_t lowerBound(const std::vector<PlannedBuffer> &buffers) {
  int64_t most = 0;
  for (const PlannedBuffer &at : buffers) {
    int64_t bytes = 0;
    for (const PlannedBuffer &buffer : buffers)
      if (buffer.first <= at.first && at.first <= buffer.last)
        bytes += buffer.bytes;
    most = std::max(most, bytes);
  }
  return most;
}

int64_t planAndCheck(std::vector<PlannedBuffer> &buffers) {
  int64_t size = planBuffers(buffers);
  EXPECT_EQ(size % 64, 0);
  EXPECT_GE(size, lowerBound(buffers));
  int64_t end = 0, sum = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const PlannedBuffer &a = buffers[i];
    EXPECT_EQ(a.offset % 64, 0);
    EXPECT_GE(a.offset, 0);
    end = std::max(end, a.offset + a.bytes);
    sum += aligned(a.bytes);
    for (size_t j = 0; j < i; ++j) {
      const PlannedBuffer &b = buffers[j];
      bool apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
      EXPECT_TRUE(apart || !liveTogether(a, b)) << "buffers " << j << " and " << i;
    }
  }
  EXPECT_EQ(size, aligned(end));
  EXPECT_LE(size, sum);
  return size;
}
} // namespace

TEST(BufferPlanTest, NothingNeedsNothing) {
  std::vector<PlannedBuffer> none;
  EXPECT_EQ(planBuffers(none), 0);
}

TEST(BufferPlanTest, BuffersThatNeverMeetShareAPlace) {
  std::vector<PlannedBuffer> buffers = {{100, 0, 1}, {300, 2, 3}, {200, 4, 9}};
  EXPECT_EQ(planAndCheck(buffers), 320);
  for (const PlannedBuffer &buffer : buffers)
    EXPECT_EQ(buffer.offset, 0);
}

TEST(BufferPlanTest, OneStepInCommonIsEnoughToPartThem) {
  std::vector<PlannedBuffer> buffers = {{64, 0, 2}, {64, 2, 4}};
  EXPECT_EQ(planAndCheck(buffers), 128);
}

TEST(BufferPlanTest, ASmallBufferFillsAGap) {
  // The 64 bytes live only beside the first; the place of the second is free then.
  std::vector<PlannedBuffer> buffers = {{256, 0, 3}, {128, 2, 3}, {64, 0, 1}};
  EXPECT_EQ(planAndCheck(buffers), 384);
  EXPECT_EQ(buffers[2].offset, 256);
}

// As between the kernels of a network of equal layers: each value is read by the next kernel or the one after.
TEST(BufferPlanTest, ADeepChainNeedsNoMoreThanAShortOne) {
  auto chain = [](int64_t length) {
    std::vector<PlannedBuffer> buffers;
    for (int64_t i = 0; i < length; ++i)
      buffers.push_back({i % 2 ? 4096 : 1024, i, i + 2});
    return buffers;
  };
  std::vector<PlannedBuffer> brief = chain(8), deep = chain(400);
  EXPECT_EQ(planAndCheck(brief), planAndCheck(deep));
}

TEST(BufferPlanTest, RandomLifetimes) {
  std::mt19937_64 engine(7);
  auto draw = [&](uint64_t below) { return static_cast<int64_t>(engine() % below); };
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    std::vector<PlannedBuffer> buffers(static_cast<size_t>(1 + draw(40)));
    for (PlannedBuffer &buffer : buffers) {
      buffer.bytes = 1 + draw(draw(2) ? 100 : 10000);
      buffer.first = draw(20);
      buffer.last = buffer.first + draw(6);
    }
    planAndCheck(buffers);
  }
}

TEST(BufferPlanTest, LargeSizesDoNotOverflow) {
  std::vector<PlannedBuffer> buffers(5, {int64_t(1) << 40, 0, 0});
  EXPECT_EQ(planAndCheck(buffers), int64_t(5) << 40);
}
