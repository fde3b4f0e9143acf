// A trie over bytes, built once from a list of keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace yoke {

class ByteTrie {
public:
  using Node = uint32_t;
  static constexpr Node Root = 0, Missing = UINT32_MAX;
  static constexpr int32_t NoValue = -1;

  /// Value i belongs to keys[i]; the last of equal keys wins. Linear in the bytes of the keys, times a logarithm.
  explicit ByteTrie(const std::vector<std::string_view> &keys);
  ByteTrie() : ByteTrie(std::vector<std::string_view>{}) {}

  Node step(Node node, unsigned char label) const {
    const Entry &entry = nodes[node];
    for (Node child = entry.firstChild, end = child + entry.childCount; child < end; ++child) {
      if (nodes[child].label >= label)
        return nodes[child].label == label ? child : Missing;
    }
    return Missing;
  }
  /// The index of the key that ends at the node, or NoValue.
  int32_t value(Node node) const { return nodes[node].value; }

private:
  struct Entry {
    uint32_t firstChild = 0;
    int32_t value = NoValue;
    uint16_t childCount = 0;
    uint8_t label = 0;
  };
  std::vector<Entry> nodes; ///< children of a node lie side by side, sorted by label
};

} // namespace yoke
