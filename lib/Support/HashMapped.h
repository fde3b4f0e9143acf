// Hashing of files that are mapped, whatever their size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/mman.h>

namespace yoke {

/// Updates `hash` with `bytes` of a mapped file, which start at a page, and keeps little of them in memory at a time.
template <class Hash> void hashMapped(Hash &hash, std::span<const std::byte> bytes) {
  constexpr size_t part = size_t(64) << 20;
  while (!bytes.empty()) {
    std::span<const std::byte> next = bytes.first(std::min(part, bytes.size()));
    hash.update(next);
    madvise(const_cast<std::byte *>(next.data()), next.size(), MADV_DONTNEED);
    bytes = bytes.subspan(next.size());
  }
}

/// As xxh3(), of such bytes.
uint64_t xxh3Mapped(std::span<const std::byte> bytes);

} // namespace yoke
