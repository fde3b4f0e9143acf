#include "runtime/PagePool.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <sys/mman.h>
#include <utility>

namespace yoke {
namespace {

/// Memory is committed in multiples of this, so that a small page does not cost a system call each.
constexpr int64_t commitStep = int64_t(2) << 20;

} // namespace

Result<PagePool> PagePool::create(int64_t pageBytes, int64_t capacity) {
  PagePool pool;
  pool.bytesPerPage = pageBytes;
  pool.maxPages = capacity;
  int64_t bytes;
  if (capacity > std::numeric_limits<int32_t>::max() || __builtin_mul_overflow(pageBytes, capacity, &bytes) ||
      __builtin_add_overflow(bytes, commitStep, &bytes))
    return outOfResources("a key-value cache of {} pages of {} bytes is too large to address", capacity, pageBytes);
  bytes = bytes / commitStep * commitStep;
  void *address = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    return outOfResources("cannot reserve {} bytes of address space for the key-value cache: {}", bytes,
                          std::strerror(errno));
  madvise(address, bytes, MADV_HUGEPAGE);
  pool.base = static_cast<std::byte *>(address);
  pool.reserved = bytes;
  return pool;
}

PagePool::PagePool(PagePool &&other) noexcept { *this = std::move(other); }

PagePool &PagePool::operator=(PagePool &&other) noexcept {
  std::swap(base, other.base);
  std::swap(bytesPerPage, other.bytesPerPage);
  std::swap(maxPages, other.maxPages);
  std::swap(reserved, other.reserved);
  std::swap(committed, other.committed);
  std::swap(references, other.references);
  std::swap(freePages, other.freePages);
  return *this;
}

PagePool::~PagePool() {
  if (base)
    munmap(base, reserved);
}

Result<int32_t> PagePool::allocate() {
  if (!freePages.empty()) {
    int32_t page = freePages.back();
    freePages.pop_back();
    std::memset(data(page), 0, bytesPerPage);
    references[page] = 1;
    return page;
  }
  int64_t page = static_cast<int64_t>(references.size());
  if (page == maxPages)
    return outOfResources("the key-value cache is full: all {} pages ({} bytes) are in use", maxPages,
                          maxPages * bytesPerPage);
  int64_t end = (page + 1) * bytesPerPage;
  if (end > committed) {
    int64_t grown = std::min(reserved, (end + commitStep - 1) / commitStep * commitStep);
    if (mprotect(base + committed, grown - committed, PROT_READ | PROT_WRITE) != 0)
      return outOfResources("cannot grow the key-value cache from {} to {} bytes: {}", committed, grown,
                            std::strerror(errno));
    committed = grown;
  }
  references.push_back(1);
  return static_cast<int32_t>(page);
}

void PagePool::release(int32_t page) {
  if (--references[page] == 0)
    freePages.push_back(page);
}

} // namespace yoke
