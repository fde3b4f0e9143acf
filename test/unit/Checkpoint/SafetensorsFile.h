// Safetensors files by hand, right and wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace yoke::test {

/// Length, header, `dataBytes` bytes of data. `length` overrides the header's true length.
inline std::string safetensors(std::string_view header, size_t dataBytes, uint64_t length) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  out += header;
  for (size_t i = 0; i < dataBytes; ++i)
    out += static_cast<char>(i);
  return out;
}

inline std::string safetensors(std::string_view header, size_t dataBytes) {
  return safetensors(header, dataBytes, header.size());
}

} // namespace yoke::test
