#pragma once
#include "Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace yoke {

/// Fixed-size pages in one reserved address range, committed on demand, so that page addresses never change.
/// A page is handed out zeroed (stale values in slots that a kernel reads and masks could be NaN). Pages are reference
/// counted, so that sequences can share a prefix.
class PagePool {
public:
  /// Reserves `capacity` pages of `pageBytes` bytes; commits none. Error: Resources.
  static Result<PagePool> create(int64_t pageBytes, int64_t capacity);
  PagePool(PagePool &&other) noexcept;
  PagePool &operator=(PagePool &&other) noexcept;
  ~PagePool();

  /// A zeroed page with one reference. Error: Resources when all pages are in use or memory is refused.
  Result<int32_t> allocate();
  void retain(int32_t page) { ++references[page]; }
  void release(int32_t page);
  int32_t referenceCount(int32_t page) const { return references[page]; }

  std::byte *data(int32_t page) { return base + page * bytesPerPage; }
  std::byte *begin() { return base; }
  int64_t pageBytes() const { return bytesPerPage; }
  int64_t capacity() const { return maxPages; }
  int64_t pagesInUse() const {
    return static_cast<int64_t>(references.size()) - static_cast<int64_t>(freePages.size());
  }
  /// Bytes from `begin()` that are readable and writable.
  int64_t committedBytes() const { return committed; }

private:
  PagePool() = default;

  std::byte *base = nullptr;
  int64_t bytesPerPage = 0;
  int64_t maxPages = 0;
  int64_t reserved = 0;
  int64_t committed = 0;
  std::vector<int32_t> references;
  std::vector<int32_t> freePages;
};

} // namespace yoke
