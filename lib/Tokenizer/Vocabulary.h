// The two-way map between token texts and token ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Token texts are any bytes, less than 4 GiB together; ids are non-negative and need not be dense.
class Vocabulary {
public:
  static constexpr int32_t None = -1;

  void reserve(size_t tokens, size_t bytes);

  /// False when the text is already there. Call `finish` after the last.
  bool add(std::string_view token, int32_t id);

  /// Builds the way from id to text. Returns an id that two tokens share, if there is one.
  std::optional<int32_t> finish();

  /// The id of a text, or None.
  int32_t find(std::string_view token) const { return find(token, hash(token)); }
  int32_t find(std::string_view token, uint64_t hash) const;
  static uint64_t hash(std::string_view token);
  /// Starts to fetch what `find` will look at first.
  void prefetch(uint64_t hash) const {
    if (!slots.empty())
      __builtin_prefetch(&slots[hash & (slots.size() - 1)]);
  }
  /// The text of an id that was added.
  std::optional<std::string_view> text(int32_t id) const;

  /// Calls `visit(text, id)` for every token in the order in which they were added.
  template <class Visit> void forEach(Visit visit) const {
    for (size_t i = 0; i < ids.size(); ++i)
      visit(tokenAt(i), ids[i]);
  }

  size_t size() const { return ids.size(); }
  /// None when empty.
  int32_t maxId() const { return largestId; }
  size_t longestToken() const { return longest; }

private:
  /// Holds all that a comparison needs, since each memory access is a cache miss.
  struct Slot {
    uint32_t tag;
    uint32_t offset, length; ///< in `arena`
    int32_t id = None;       ///< None: free
  };
  std::string_view tokenAt(size_t index) const {
    return std::string_view(arena).substr(ends[index], ends[index + 1] - ends[index]);
  }
  std::string_view tokenIn(const Slot &slot) const { return std::string_view(arena).substr(slot.offset, slot.length); }
  void rehash(size_t slotCount);

  std::string arena;
  std::vector<size_t> ends{0};
  std::vector<int32_t> ids;
  std::vector<Slot> slots;
  std::vector<uint32_t> byId;                           ///< index plus one, when ids are nearly dense
  std::vector<std::pair<int32_t, uint32_t>> sparseById; ///< sorted by id, otherwise
  int32_t largestId = None;
  size_t longest = 0;
};

} // namespace yoke
