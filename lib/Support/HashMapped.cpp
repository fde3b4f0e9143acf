#include "Support/HashMapped.h"

#include <cstdlib>
#include <xxhash.h>

namespace yoke {
namespace {

/// XXH3 with 64 bits, as hashMapped() wants it.
struct Stream {
  Stream() {
    if (!state || XXH3_64bits_reset(state) != XXH_OK)
      std::abort();
  }
  ~Stream() { XXH3_freeState(state); }

  void update(std::span<const std::byte> bytes) { XXH3_64bits_update(state, bytes.data(), bytes.size()); }

  XXH3_state_t *state = XXH3_createState();
};

} // namespace

uint64_t xxh3Mapped(std::span<const std::byte> bytes) {
  Stream stream;
  hashMapped(stream, bytes);
  return XXH3_64bits_digest(stream.state);
}

} // namespace yoke
