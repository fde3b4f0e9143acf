// A queue with two ends that keeps using the same memory.
#pragma once

#include <cstddef>
#include <vector>

namespace yoke::sim {

template <class T> class Ring {
public:
  bool empty() const { return length == 0; }
  T &front() { return slots[first]; }
  const T &front() const { return slots[first]; }
  T &back() { return slots[(first + length - 1) & (slots.size() - 1)]; }
  void push_back(const T &value) {
    grow();
    slots[(first + length++) & (slots.size() - 1)] = value;
  }
  void push_front(const T &value) {
    grow();
    first = (first - 1) & (slots.size() - 1);
    slots[first] = value;
    ++length;
  }
  void pop_front() {
    first = (first + 1) & (slots.size() - 1);
    --length;
  }

private:
  void grow() {
    if (length < slots.size())
      return;
    std::vector<T> larger(2 * slots.size());
    for (size_t i = 0; i < length; ++i)
      larger[i] = slots[(first + i) & (slots.size() - 1)];
    slots = std::move(larger);
    first = 0;
  }

  std::vector<T> slots = std::vector<T>(4); ///< a power of two
  size_t first = 0, length = 0;
};

} // namespace yoke::sim
