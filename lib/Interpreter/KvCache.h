// Keys and values of all layers and sequences, kept one by one.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace yoke {

/// One token's key and value in one layer: kv_heads * head_dim elements each.
struct KvEntry {
  int32_t position = 0;
  std::vector<float> key;
  std::vector<float> value;
};

class KvCache {
public:
  /// nullptr when the slot was never written.
  const KvEntry *find(int64_t layer, int32_t sequence, int32_t slot) const;
  void write(int64_t layer, int32_t sequence, int32_t slot, KvEntry entry);

  /// Copies a token's entries of all layers to another slot of its sequence, as accepting a branch of a draft tree
  /// does.
  void copySlot(int32_t sequence, int32_t from, int32_t to);
  /// Forgets the slots of `sequence` from `length` on.
  void truncate(int32_t sequence, int32_t length);

private:
  std::map<std::tuple<int64_t, int32_t, int32_t>, KvEntry> entries;
};

} // namespace yoke
