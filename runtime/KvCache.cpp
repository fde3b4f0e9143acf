#include "runtime/KvCache.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace yoke {

Result<KvCache> KvCache::create(KvLayout layout, int64_t maxPages) {
  auto pool = PagePool::create(layout.pageBytes, maxPages);
  if (!pool)
    return tl::unexpected(pool.error());
  return KvCache(std::move(layout), std::move(*pool));
}

KvCache::SequenceId KvCache::addSequence() {
  tables.emplace(nextId, std::vector<int32_t>());
  return nextId++;
}

KvCache::SequenceId KvCache::fork(SequenceId source, int64_t slots) {
  std::vector<int32_t> shared = tables.at(source);
  shared.resize(std::min<size_t>(shared.size(), pagesFor(slots)));
  for (int32_t page : shared)
    pool.retain(page);
  tables.emplace(nextId, std::move(shared));
  return nextId++;
}

void KvCache::removeSequence(SequenceId sequence) {
  truncate(sequence, 0);
  tables.erase(sequence);
}

Result<void> KvCache::prepareWrite(SequenceId sequence, int64_t begin, int64_t end) {
  std::vector<int32_t> &table = tables.at(sequence);
  int64_t before = static_cast<int64_t>(table.size());
  int64_t lastShared = std::min(before, pagesFor(end));
  for (int64_t i = begin / pageLayout.pageTokens; i < lastShared; ++i) {
    if (pool.referenceCount(table[i]) == 1)
      continue;
    auto copy = pool.allocate();
    if (!copy)
      return tl::unexpected(copy.error());
    std::memcpy(pool.data(*copy), pool.data(table[i]), pool.pageBytes());
    pool.release(table[i]);
    table[i] = *copy;
  }
  for (int64_t i = before; i < pagesFor(end); ++i) {
    auto page = pool.allocate();
    if (!page) {
      truncate(sequence, before * pageLayout.pageTokens);
      return tl::unexpected(page.error());
    }
    table.push_back(*page);
  }
  return {};
}

void KvCache::truncate(SequenceId sequence, int64_t slots) {
  std::vector<int32_t> &table = tables.at(sequence);
  for (int64_t keep = pagesFor(slots); static_cast<int64_t>(table.size()) > keep;) {
    pool.release(table.back());
    table.pop_back();
  }
}

void KvCache::moveToken(SequenceId sequence, int64_t from, int64_t to) {
  if (from == to)
    return;
  const std::vector<int32_t> &table = tables.at(sequence);
  const int64_t tokens = pageLayout.pageTokens;
  assert(pool.referenceCount(table[to / tokens]) == 1 && "destination page is shared");
  const std::byte *source = pool.data(table[from / tokens]);
  std::byte *target = pool.data(table[to / tokens]);
  const int64_t fromSlot = from % tokens, toSlot = to % tokens;
  for (const KvLayer &layer : pageLayout.layers) {
    const int64_t element = layer.elementBytes, row = layer.headDim * element;
    auto moveKeys = [&](auto zero) {
      auto *from = reinterpret_cast<const decltype(zero) *>(source + layer.keyOffset) + fromSlot;
      auto *to = reinterpret_cast<decltype(zero) *>(target + layer.keyOffset) + toSlot;
      for (int64_t i = 0; i < layer.heads * layer.headDim; ++i)
        to[i * tokens] = from[i * tokens];
    };
    element == 4 ? moveKeys(uint32_t(0)) : moveKeys(uint16_t(0));
    for (int64_t head = 0; head < layer.heads; ++head)
      std::memcpy(target + layer.valueOffset + (head * tokens + toSlot) * row,
                  source + layer.valueOffset + (head * tokens + fromSlot) * row, row);
  }
}

void KvCache::clearToken(SequenceId sequence, int64_t slot) {
  const int64_t tokens = pageLayout.pageTokens, place = slot % tokens;
  std::byte *page = pool.data(tables.at(sequence)[slot / tokens]);
  for (const KvLayer &layer : pageLayout.layers) {
    const int64_t element = layer.elementBytes, row = layer.headDim * element;
    for (int64_t i = 0; i < layer.heads * layer.headDim; ++i)
      std::memset(page + layer.keyOffset + (i * tokens + place) * element, 0, element);
    for (int64_t head = 0; head < layer.heads; ++head)
      std::memset(page + layer.valueOffset + (head * tokens + place) * row, 0, row);
  }
}

} // namespace yoke
