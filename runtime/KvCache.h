#pragma once
#include "Package/Manifest.h"
#include "runtime/PagePool.h"

#include <span>
#include <unordered_map>

namespace yoke {

struct KvLayout {
  int64_t pageTokens;
  int64_t pageBytes;
  std::vector<KvLayer> layers;
};

/// Paged key-value cache of many sequences. A sequence is a list of pages; slot s lies in page s / pageTokens.
/// Forked sequences share pages until one of them writes.
class KvCache {
public:
  using SequenceId = int32_t;

  /// `maxPages` bounds all sequences together. Error: Resources.
  static Result<KvCache> create(KvLayout layout, int64_t maxPages);

  SequenceId addSequence();
  /// A sequence whose first `slots` slots have the contents of `source`. Pages are shared, nothing is copied.
  SequenceId fork(SequenceId source, int64_t slots);
  void removeSequence(SequenceId sequence);

  /// Makes slots [begin, end) writable: allocates missing pages up to `end`, copies shared ones that overlap the range.
  /// On error (Resources) the sequence is as before, possibly with fewer shared pages.
  Result<void> prepareWrite(SequenceId sequence, int64_t begin, int64_t end);
  /// Gives back the pages beyond the first `slots` slots.
  void truncate(SequenceId sequence, int64_t slots);
  /// Copies the keys and values of all layers of slot `from` to slot `to`. Both lie in allocated pages; `to` is
  /// writable.
  void moveToken(SequenceId sequence, int64_t from, int64_t to);

  /// Overwrites the keys and values of all layers of a slot with zeros; its page is writable.
  void clearToken(SequenceId sequence, int64_t slot);

  /// Page numbers of the sequence, in slot order.
  std::span<const int32_t> blockTable(SequenceId sequence) const { return tables.at(sequence); }
  const KvLayout &layout() const { return pageLayout; }
  int64_t pagesInUse() const { return pool.pagesInUse(); }
  int64_t pagesAvailable() const { return pool.capacity() - pool.pagesInUse(); }
  PagePool &pages() { return pool; }

private:
  KvCache(KvLayout layout, PagePool pool) : pageLayout(std::move(layout)), pool(std::move(pool)) {}
  int64_t pagesFor(int64_t slots) const { return (slots + pageLayout.pageTokens - 1) / pageLayout.pageTokens; }

  KvLayout pageLayout;
  PagePool pool;
  std::unordered_map<SequenceId, std::vector<int32_t>> tables;
  SequenceId nextId = 0;
};

} // namespace yoke
