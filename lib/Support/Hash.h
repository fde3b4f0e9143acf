// Hashes over bytes: SHA-256 for identity, XXH3 for speed.
#pragma once

#include "Support/Error.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace yoke {

using Sha256Digest = std::array<std::byte, 32>;

/// Streaming SHA-256.
class Sha256 {
public:
  Sha256();
  Sha256(Sha256 &&) noexcept;
  Sha256 &operator=(Sha256 &&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> bytes);
  /// Once, at the end. Error (Resources): the crypto library had no memory.
  Result<Sha256Digest> finish();

private:
  struct State;
  std::unique_ptr<State> state;
};

/// XXH3, 64 bits, seed 0.
uint64_t xxh3(std::span<const std::byte> bytes);

/// Streaming XXH3 with 128 bits, seed 0. Not cryptographic.
class Xxh3Stream {
public:
  Xxh3Stream();
  Xxh3Stream(Xxh3Stream &&) noexcept;
  Xxh3Stream &operator=(Xxh3Stream &&) noexcept;
  ~Xxh3Stream();

  void update(std::span<const std::byte> bytes);
  /// Of all bytes so far, most significant byte first.
  std::array<std::byte, 16> digest() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

/// Lower-case hexadecimal digits.
std::string toHex(std::span<const std::byte> bytes);

} // namespace yoke
