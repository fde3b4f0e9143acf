#include "Interpreter/KvCache.h"

#include <utility>

using namespace yoke;

const KvEntry *KvCache::find(int64_t layer, int32_t sequence, int32_t slot) const {
  auto it = entries.find({layer, sequence, slot});
  return it == entries.end() ? nullptr : &it->second;
}

void KvCache::write(int64_t layer, int32_t sequence, int32_t slot, KvEntry entry) {
  entries[{layer, sequence, slot}] = std::move(entry);
}

void KvCache::copySlot(int32_t sequence, int32_t from, int32_t to) {
  auto old = entries;
  for (const auto &[key, entry] : old)
    if (std::get<1>(key) == sequence && std::get<2>(key) == from)
      write(std::get<0>(key), sequence, to, entry);
}

void KvCache::truncate(int32_t sequence, int32_t length) {
  std::erase_if(entries, [&](const auto &item) {
    return std::get<1>(item.first) == sequence && std::get<2>(item.first) >= length;
  });
}
