#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

namespace yoke {

/// What follows pairs of tokens, with weights: counted in a corpus and shifted towards the text at hand (the data store
/// of ADED). Of fixed size: the pairs that came first go first.
class TrigramTable {
public:
  static constexpr int32_t width = 12;
  struct Successor {
    int32_t token;
    float weight;
  };

  explicit TrigramTable(size_t capacity = size_t(1) << 16) : capacity(capacity) {}

  /// Sets the weights of all pairs of a corpus to the shares of their `width` most frequent successors.
  void count(std::span<const int32_t> corpus);
  /// Adds to a weight, up to a limit. A successor without a place takes that of the lightest one.
  void add(int32_t first, int32_t second, int32_t next, float weight);
  /// Heaviest first; empty for a pair that is not known.
  std::span<const Successor> of(int32_t first, int32_t second) const;
  size_t size() const { return rows.size(); }

private:
  struct Row {
    std::array<Successor, width> successors;
    int32_t count = 0;
  };
  Row &rowOf(uint64_t key);

  size_t capacity;
  std::unordered_map<uint64_t, Row> rows;
  std::deque<uint64_t> order; ///< keys, oldest first
};

} // namespace yoke
