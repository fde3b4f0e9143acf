// Memory that faults when it is overrun.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace yoke {

/// `size` bytes that end where an inaccessible page begins; another such page stands before them. Aligned as `size` is,
/// up to 4096.
class GuardedBuffer {
public:
  explicit GuardedBuffer(size_t size) : bytes(size), mapped((size + page - 1) / page * page + 2 * page) {
    void *address = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED ||
        mprotect(static_cast<std::byte *>(address) + page, mapped - 2 * page, PROT_READ | PROT_WRITE) != 0)
      std::abort();
    base = static_cast<std::byte *>(address);
  }
  GuardedBuffer(GuardedBuffer &&other) noexcept
      : bytes(other.bytes), mapped(other.mapped), base(std::exchange(other.base, nullptr)) {}
  GuardedBuffer &operator=(GuardedBuffer &&) = delete;
  ~GuardedBuffer() {
    if (base)
      munmap(base, mapped);
  }

  std::byte *data() const { return base + mapped - page - bytes; }
  template <class T> T *as() const { return reinterpret_cast<T *>(data()); }
  size_t size() const { return bytes; }

  void fill(int byte) const { std::memset(data(), byte, bytes); }
  void makeReadOnly() const { mprotect(base + page, mapped - 2 * page, PROT_READ); }

private:
  static constexpr size_t page = 4096;
  size_t bytes;
  size_t mapped;
  std::byte *base = nullptr;
};

} // namespace yoke
