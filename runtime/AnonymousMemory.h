#pragma once

#include "Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace yoke {

/// Anonymous zeroed memory, 64-byte aligned and more, backed by huge pages where the system gives them.
class AnonymousMemory {
public:
  static Result<AnonymousMemory> allocate(int64_t bytes, std::string_view purpose);
  AnonymousMemory() = default;
  AnonymousMemory(AnonymousMemory &&other) noexcept;
  AnonymousMemory &operator=(AnonymousMemory &&other) noexcept;
  ~AnonymousMemory();

  std::byte *data() { return address; }
  const std::byte *data() const { return address; }
  int64_t size() const { return bytes; }

private:
  std::byte *address = nullptr;
  int64_t bytes = 0;
};

} // namespace yoke
