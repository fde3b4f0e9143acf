// Element types of safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace yoke {

enum class DType : uint8_t {
  Bool,
  F4,
  F6E2M3,
  F6E3M2,
  U8,
  I8,
  F8E5M2,
  F8E4M3,
  F8E8M0,
  F8E4M3FNUZ,
  F8E5M2FNUZ,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64,
};

/// As written in a file: "F32", "F8_E4M3".
std::string_view dtypeName(DType dtype);
/// Case-sensitive.
std::optional<DType> dtypeFromName(std::string_view name);
/// Bits of one element; 4 and 6 for the packed types.
unsigned dtypeBits(DType dtype);
/// All names, for messages: "BOOL, F4, ...".
std::string dtypeNames();

/// Whether convertToFloat() knows the type: F32, F16, BF16, F64.
bool isConvertibleToFloat(DType dtype);

/// Converts dst.size() little-endian elements at the start of `src`, which need not be aligned: exactly, except that
/// F64 is rounded to nearest. Requires isConvertibleToFloat(dtype) and src.size() >= dst.size() * dtypeBits(dtype) / 8.
void convertToFloat(DType dtype, std::span<const std::byte> src, std::span<float> dst);

} // namespace yoke
