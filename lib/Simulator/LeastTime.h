// Which of several times is the least, kept up to date in as many steps as there are bits in their number.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace yoke::sim {

/// A tournament of times; of equal ones the first wins.
class LeastTime {
public:
  explicit LeastTime(size_t count)
      : leaves(std::bit_ceil(std::max<size_t>(count, 2))), times(leaves, std::numeric_limits<int64_t>::max()),
        winners(2 * leaves) {
    for (size_t i = 0; i < leaves; ++i)
      winners[leaves + i] = uint32_t(i);
    for (size_t i = 0; i < count; ++i)
      set(i, 0);
  }

  void set(size_t index, int64_t time) {
    times[index] = time;
    for (size_t node = (leaves + index) / 2; node > 0; node /= 2) {
      uint32_t left = winners[2 * node], right = winners[2 * node + 1];
      winners[node] = times[right] < times[left] ? right : left;
    }
  }
  size_t index() const { return winners[1]; }
  int64_t time() const { return times[winners[1]]; }

private:
  size_t leaves;
  std::vector<int64_t> times;
  std::vector<uint32_t> winners;
};

} // namespace yoke::sim
