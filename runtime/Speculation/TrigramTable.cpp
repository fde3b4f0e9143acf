#include "runtime/Speculation/TrigramTable.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace yoke {
namespace {

/// A weight grows to this at most (ADED's constant).
constexpr float heaviest = 3;

uint64_t keyOf(int32_t first, int32_t second) {
  return static_cast<uint64_t>(static_cast<uint32_t>(first)) << 32 | static_cast<uint32_t>(second);
}

} // namespace

TrigramTable::Row &TrigramTable::rowOf(uint64_t key) {
  if (auto found = rows.find(key); found != rows.end())
    return found->second;
  if (rows.size() >= capacity) {
    rows.erase(order.front());
    order.pop_front();
  }
  order.push_back(key);
  return rows[key];
}

void TrigramTable::count(std::span<const int32_t> corpus) {
  struct Trigram {
    uint64_t key;
    int32_t next;
    auto operator<=>(const Trigram &) const = default;
  };
  std::vector<Trigram> trigrams;
  for (size_t i = 2; i < corpus.size(); ++i)
    trigrams.push_back({keyOf(corpus[i - 2], corpus[i - 1]), corpus[i]});
  std::ranges::sort(trigrams);
  for (size_t begin = 0; begin < trigrams.size();) {
    std::vector<Successor> successors;
    size_t end = begin;
    for (; end < trigrams.size() && trigrams[end].key == trigrams[begin].key; ++end) {
      if (end == begin || trigrams[end].next != trigrams[end - 1].next)
        successors.push_back({trigrams[end].next, 0});
      ++successors.back().weight;
    }
    std::ranges::sort(successors, [](const Successor &a, const Successor &b) {
      return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
    });
    Row &row = rowOf(trigrams[begin].key);
    row.count = static_cast<int32_t>(std::min<size_t>(successors.size(), width));
    for (int32_t i = 0; i < row.count; ++i)
      row.successors[i] = {successors[i].token, successors[i].weight / static_cast<float>(end - begin)};
    begin = end;
  }
}

void TrigramTable::add(int32_t first, int32_t second, int32_t next, float weight) {
  Row &row = rowOf(keyOf(first, second));
  auto *successors = row.successors.data();
  int32_t place = static_cast<int32_t>(
      std::find_if(successors, successors + row.count, [&](const Successor &s) { return s.token == next; }) -
      successors);
  if (place == row.count) {
    if (row.count < width)
      ++row.count;
    else
      --place;
    successors[place] = {next, 0};
  }
  successors[place].weight = std::min(successors[place].weight + weight, heaviest);
  for (; place > 0 && successors[place].weight > successors[place - 1].weight; --place)
    std::swap(successors[place], successors[place - 1]);
}

std::span<const TrigramTable::Successor> TrigramTable::of(int32_t first, int32_t second) const {
  auto found = rows.find(keyOf(first, second));
  if (found == rows.end())
    return {};
  return std::span(found->second.successors).first(found->second.count);
}

} // namespace yoke
