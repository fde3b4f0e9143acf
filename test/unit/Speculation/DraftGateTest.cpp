#include "runtime/Speculation/DraftGate.h"

#include <gtest/gtest.h>

namespace yoke {
namespace {

/// Steps of `steps` in which the gate was open, each draft gaining `gain`.
int64_t draftsOf(DraftGate &gate, int64_t steps, double gain) {
  int64_t drafts = 0;
  for (int64_t step = 0; step < steps; ++step)
    if (gate.open()) {
      ++drafts;
      gate.record(gain);
    }
  return drafts;
}

TEST(DraftGate, StaysOpenWhileDraftsGain) {
  DraftGate::Memory memory;
  DraftGate gate(memory);
  EXPECT_EQ(draftsOf(gate, 1000, 1e-6), 1000);
  EXPECT_EQ(memory.drafts, 1000);
}

TEST(DraftGate, LosingDraftsBecomeRare) {
  DraftGate::Memory memory;
  DraftGate gate(memory);
  const int64_t first = draftsOf(gate, 100, -1e-6), later = draftsOf(gate, 2000, -1e-6);
  EXPECT_LE(first, 16);
  EXPECT_LE(later, 24);
  EXPECT_GE(later, 3);
}

TEST(DraftGate, NextRequestKnowsOfTheLoss) {
  DraftGate::Memory memory;
  DraftGate first(memory);
  draftsOf(first, 100, -1e-6);
  DraftGate next(memory);
  EXPECT_FALSE(next.open());
  EXPECT_LE(draftsOf(next, 96, -1e-6), 6);
  // ... and finds out when things have changed.
  DraftGate better(memory);
  EXPECT_GE(draftsOf(better, 400, 1e-5), 300);
}

} // namespace
} // namespace yoke
