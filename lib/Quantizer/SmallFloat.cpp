//===- SmallFloat.cpp - rounding to 16-bit floats -------------------------===//
#include "Quantizer/SmallFloat.h"

#include <bit>

using namespace yoke;

uint16_t yoke::toBFloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t yoke::toFloat16(float value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }

float yoke::fromBFloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
