// The ring against a deque.
#include "Simulator/Ring.h"

#include <deque>
#include <gtest/gtest.h>
#include <random>

using namespace yoke::sim;

TEST(Ring, IsADeque) {
  std::mt19937 generator(1);
  Ring<int> ring;
  std::deque<int> expected;
  for (int step = 0; step < 20000; ++step) {
    switch (generator() % (step / 1000 % 2 ? 3 : 4)) {
    case 0:
      ring.push_front(step);
      expected.push_front(step);
      break;
    case 1:
      ring.push_back(step);
      expected.push_back(step);
      break;
    default:
      if (!expected.empty()) {
        ring.pop_front();
        expected.pop_front();
      }
    }
    ASSERT_EQ(ring.empty(), expected.empty());
    if (expected.empty())
      continue;
    ASSERT_EQ(ring.front(), expected.front());
    ASSERT_EQ(ring.back(), expected.back());
  }
}
