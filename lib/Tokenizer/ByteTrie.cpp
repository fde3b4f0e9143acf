#include "Tokenizer/ByteTrie.h"

#include <algorithm>
#include <numeric>

namespace yoke {

ByteTrie::ByteTrie(const std::vector<std::string_view> &keys) {
  std::vector<uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    int comparison = keys[a].compare(keys[b]);
    return comparison < 0 || (comparison == 0 && a < b);
  });

  // Breadth first: node i covers the sorted keys [begin, end), which agree in their first `depth` bytes.
  struct Range {
    uint32_t begin, end, depth;
  };
  std::vector<Range> ranges{{0, static_cast<uint32_t>(keys.size()), 0}};
  nodes.emplace_back();
  for (size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    for (; begin < end && keys[order[begin]].size() == depth; ++begin)
      nodes[node].value = static_cast<int32_t>(order[begin]);
    nodes[node].firstChild = static_cast<uint32_t>(nodes.size());
    while (begin < end) {
      unsigned char label = static_cast<unsigned char>(keys[order[begin]][depth]);
      auto same = std::partition_point(order.begin() + begin, order.begin() + end, [&](uint32_t key) {
        return static_cast<unsigned char>(keys[key][depth]) <= label;
      });
      uint32_t next = static_cast<uint32_t>(same - order.begin());
      ranges.push_back({begin, next, depth + 1});
      nodes.emplace_back().label = label;
      ++nodes[node].childCount;
      begin = next;
    }
  }
}

} // namespace yoke
