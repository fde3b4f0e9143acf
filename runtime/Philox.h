// Counter-based random numbers (Philox 4x32-10; Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
// A draw is a pure function of (seed, stream, index): independent of thread count, batch composition and draw order.
#pragma once

#include <array>
#include <cstdint>

namespace yoke {

inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xD2511F53) * counter[0];
    uint64_t second = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(second >> 32) ^ counter[1] ^ key[0], uint32_t(second),
               uint32_t(first >> 32) ^ counter[3] ^ key[1], uint32_t(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// Uniform in [0, 1) with 53 random bits. `index` is the position of the drawn token, `stream` tells apart sequences
/// that share a seed.
inline double philoxUniform(uint64_t seed, uint64_t stream, uint64_t index) {
  auto bits = philox4x32({uint32_t(index), uint32_t(index >> 32), uint32_t(stream), uint32_t(stream >> 32)},
                         {uint32_t(seed), uint32_t(seed >> 32)});
  uint64_t mantissa = (uint64_t(bits[0]) << 21) ^ (bits[1] >> 11);
  return static_cast<double>(mantissa & ((uint64_t(1) << 53) - 1)) * 0x1.0p-53;
}

} // namespace yoke
