#include "Support/Hash.h"

#include <cstdlib>
#include <cstring>
#include <openssl/evp.h>
#include <xxhash.h>

namespace yoke {

struct Sha256::State {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state(std::make_unique<State>()) {}
Sha256::Sha256(Sha256 &&) noexcept = default;
Sha256 &Sha256::operator=(Sha256 &&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  state->good = state->good && EVP_DigestUpdate(state->context, bytes.data(), bytes.size()) == 1;
}

Result<Sha256Digest> Sha256::finish() {
  Sha256Digest digest;
  if (!state->good ||
      EVP_DigestFinal_ex(state->context, reinterpret_cast<unsigned char *>(digest.data()), nullptr) != 1)
    return outOfResources("SHA-256 failed in the crypto library");
  return digest;
}

uint64_t xxh3(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

struct Xxh3Stream::State {
  XXH3_state_t *state = XXH3_createState();
  State() {
    if (!state || XXH3_128bits_reset(state) != XXH_OK)
      std::abort();
  }
  ~State() { XXH3_freeState(state); }
};

Xxh3Stream::Xxh3Stream() : state(std::make_unique<State>()) {}
Xxh3Stream::Xxh3Stream(Xxh3Stream &&) noexcept = default;
Xxh3Stream &Xxh3Stream::operator=(Xxh3Stream &&) noexcept = default;
Xxh3Stream::~Xxh3Stream() = default;

void Xxh3Stream::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state->state, bytes.data(), bytes.size());
}

std::array<std::byte, 16> Xxh3Stream::digest() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state->state));
  std::array<std::byte, 16> out;
  memcpy(out.data(), canonical.digest, out.size());
  return out;
}

std::string toHex(std::span<const std::byte> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::byte byte : bytes) {
    out += digits[static_cast<unsigned>(byte) >> 4];
    out += digits[static_cast<unsigned>(byte) & 15];
  }
  return out;
}

} // namespace yoke
