#include "Checkpoint/DType.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace yoke {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read in place as little-endian");

struct Description {
  std::string_view name;
  unsigned bits;
};

constexpr Description descriptions[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};
static_assert(std::size(descriptions) == static_cast<size_t>(DType::U64) + 1);

const Description &describe(DType dtype) { return descriptions[static_cast<size_t>(dtype)]; }

float fromHalf(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1F;
  uint32_t mantissa = half & 0x3FF;
  if (exponent == 0) { // zero or subnormal: mantissa * 2^-24
    float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

template <class Stored, class Convert> void convert(const std::byte *src, std::span<float> dst, Convert toFloat) {
  for (size_t i = 0; i < dst.size(); ++i) {
    Stored stored;
    memcpy(&stored, src + i * sizeof(Stored), sizeof(Stored));
    dst[i] = toFloat(stored);
  }
}

} // namespace

std::string_view dtypeName(DType dtype) { return describe(dtype).name; }

unsigned dtypeBits(DType dtype) { return describe(dtype).bits; }

std::optional<DType> dtypeFromName(std::string_view name) {
  for (const Description &description : descriptions)
    if (description.name == name)
      return static_cast<DType>(&description - descriptions);
  return std::nullopt;
}

std::string dtypeNames() {
  std::string out;
  for (const Description &description : descriptions) {
    out += out.empty() ? "" : ", ";
    out += description.name;
  }
  return out;
}

bool isConvertibleToFloat(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16 || dtype == DType::F64;
}

void convertToFloat(DType dtype, std::span<const std::byte> src, std::span<float> dst) {
  assert(isConvertibleToFloat(dtype) && src.size() / (dtypeBits(dtype) / 8) >= dst.size());
  switch (dtype) {
  case DType::F32:
    if (!dst.empty())
      memcpy(dst.data(), src.data(), dst.size_bytes());
    return;
  case DType::F16:
    return convert<uint16_t>(src.data(), dst, fromHalf);
  case DType::BF16:
    return convert<uint16_t>(src.data(), dst,
                             [](uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); });
  case DType::F64:
    return convert<double>(src.data(), dst, [](double value) { return static_cast<float>(value); });
  default:
    return;
  }
}

} // namespace yoke
