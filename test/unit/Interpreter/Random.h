// Draws that are the same on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>

namespace yoke {

class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}

  /// In [lo, hi].
  int64_t integer(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(engine() % static_cast<uint64_t>(hi - lo + 1));
  }
  /// True once in `times`.
  bool oneIn(int64_t times) { return integer(1, times) == 1; }
  /// In [-1, 1).
  float uniform() { return static_cast<float>(static_cast<int64_t>(engine() >> 40) - (1 << 23)) * 0x1p-23f; }
  template <class T> T pick(std::initializer_list<T> choices) {
    return choices.begin()[integer(0, static_cast<int64_t>(choices.size()) - 1)];
  }

private:
  std::mt19937_64 engine;
};

} // namespace yoke
