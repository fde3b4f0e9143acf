#include "Tokenizer/Vocabulary.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace yoke {

void Vocabulary::reserve(size_t tokens, size_t bytes) {
  arena.reserve(bytes);
  ends.reserve(tokens + 1);
  ids.reserve(tokens);
  size_t slotCount = 16;
  while (slotCount * 2 < tokens * 3)
    slotCount *= 2;
  if (slotCount > slots.size())
    rehash(slotCount);
}

void Vocabulary::rehash(size_t slotCount) {
  slots.assign(slotCount, {});
  for (size_t i = 0; i < ids.size(); ++i) {
    std::string_view token = tokenAt(i);
    uint64_t hash = this->hash(token);
    size_t slot = hash & (slotCount - 1);
    while (slots[slot].id != None)
      slot = (slot + 1) & (slotCount - 1);
    slots[slot] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(ends[i]),
                   static_cast<uint32_t>(token.size()), ids[i]};
  }
}

bool Vocabulary::add(std::string_view token, int32_t id) {
  if ((ids.size() + 1) * 3 > slots.size() * 2)
    rehash(slots.empty() ? 16 : slots.size() * 2);
  uint64_t hash = this->hash(token);
  uint32_t tag = static_cast<uint32_t>(hash >> 32);
  size_t slot = hash & (slots.size() - 1);
  for (; slots[slot].id != None; slot = (slot + 1) & (slots.size() - 1))
    if (slots[slot].tag == tag && tokenIn(slots[slot]) == token)
      return false;
  slots[slot] = {tag, static_cast<uint32_t>(arena.size()), static_cast<uint32_t>(token.size()), id};
  arena.append(token);
  ends.push_back(arena.size());
  ids.push_back(id);
  largestId = std::max(largestId, id);
  longest = std::max(longest, token.size());
  return true;
}

std::optional<int32_t> Vocabulary::finish() {
  if (static_cast<size_t>(largestId) + 1 <= ids.size() * 4 + 4096) {
    byId.assign(static_cast<size_t>(largestId) + 1, 0);
    for (size_t i = 0; i < ids.size(); ++i) {
      uint32_t &entry = byId[static_cast<size_t>(ids[i])];
      if (entry)
        return ids[i];
      entry = static_cast<uint32_t>(i + 1);
    }
    return std::nullopt;
  }
  for (size_t i = 0; i < ids.size(); ++i)
    sparseById.emplace_back(ids[i], static_cast<uint32_t>(i));
  std::sort(sparseById.begin(), sparseById.end());
  for (size_t i = 1; i < sparseById.size(); ++i)
    if (sparseById[i].first == sparseById[i - 1].first)
      return sparseById[i].first;
  return std::nullopt;
}

uint64_t Vocabulary::hash(std::string_view token) { return XXH3_64bits(token.data(), token.size()); }

int32_t Vocabulary::find(std::string_view token, uint64_t hash) const {
  if (slots.empty())
    return None;
  uint32_t tag = static_cast<uint32_t>(hash >> 32);
  for (size_t slot = hash & (slots.size() - 1); slots[slot].id != None; slot = (slot + 1) & (slots.size() - 1))
    if (slots[slot].tag == tag && tokenIn(slots[slot]) == token)
      return slots[slot].id;
  return None;
}

std::optional<std::string_view> Vocabulary::text(int32_t id) const {
  if (id < 0 || id > largestId)
    return std::nullopt;
  if (sparseById.empty()) {
    uint32_t entry = byId[static_cast<size_t>(id)];
    return entry ? std::optional(tokenAt(entry - 1)) : std::nullopt;
  }
  auto found = std::lower_bound(sparseById.begin(), sparseById.end(), std::pair(id, uint32_t(0)));
  if (found == sparseById.end() || found->first != id)
    return std::nullopt;
  return tokenAt(found->second);
}

} // namespace yoke
