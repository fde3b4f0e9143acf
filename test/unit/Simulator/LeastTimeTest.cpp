// The tournament of times against a search.
#include "Simulator/LeastTime.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace yoke::sim;

TEST(LeastTime, IsTheFirstOfTheSmallest) {
  std::mt19937 generator(1);
  for (size_t count : {1, 2, 3, 16, 31, 32, 33}) {
    LeastTime least(count);
    std::vector<int64_t> times(count, 0);
    for (int step = 0; step < 2000; ++step) {
      size_t index = generator() % count;
      times[index] = int64_t(generator() % 20);
      least.set(index, times[index]);
      auto smallest = std::min_element(times.begin(), times.end());
      ASSERT_EQ(least.index(), size_t(smallest - times.begin()));
      ASSERT_EQ(least.time(), *smallest);
    }
  }
}
