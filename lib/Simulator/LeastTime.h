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
      : leaves(std::bit_ceil(std::max<size_t>(count, 2))), nodes(2 * leaves, {std::numeric_limits<int64_t>::max(), 0}) {
    for (size_t i = 0; i < count; ++i)
      set(i, 0);
  }

  void set(size_t index, int64_t time) {
    Entry winner{time, index};
    size_t node = leaves + index;
    nodes[node] = winner;
    for (; node > 1; node /= 2) {
      const Entry &other = nodes[node ^ 1];
      if (other.time < winner.time || (other.time == winner.time && node & 1))
        winner = other;
      nodes[node / 2] = winner;
    }
  }
  size_t index() const { return nodes[1].index; }
  int64_t time() const { return nodes[1].time; }

private:
  struct Entry {
    int64_t time;
    size_t index;
  };
  size_t leaves;
  std::vector<Entry> nodes; ///< 1 is the root, those from `leaves` on are the times
};

} // namespace yoke::sim
