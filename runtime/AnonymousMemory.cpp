#include "runtime/AnonymousMemory.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace yoke {

Result<AnonymousMemory> AnonymousMemory::allocate(int64_t bytes, std::string_view purpose) {
  AnonymousMemory memory;
  if (bytes == 0)
    return memory;
  void *address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return outOfResources("cannot allocate {} bytes for {}: {}", bytes, purpose, std::strerror(errno));
  madvise(address, bytes, MADV_HUGEPAGE);
  memory.address = static_cast<std::byte *>(address);
  memory.bytes = bytes;
  return memory;
}

AnonymousMemory::AnonymousMemory(AnonymousMemory &&other) noexcept { *this = std::move(other); }

AnonymousMemory &AnonymousMemory::operator=(AnonymousMemory &&other) noexcept {
  std::swap(address, other.address);
  std::swap(bytes, other.bytes);
  return *this;
}

AnonymousMemory::~AnonymousMemory() {
  if (address)
    munmap(address, bytes);
}

} // namespace yoke
