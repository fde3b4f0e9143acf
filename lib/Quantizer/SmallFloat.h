//===- SmallFloat.h - rounding to 16-bit floats ---------------------------===//
#ifndef YOKE_LIB_QUANTIZER_SMALLFLOAT_H
#define YOKE_LIB_QUANTIZER_SMALLFLOAT_H

#include <cstdint>

namespace yoke {

/// The bits of the nearest bfloat16, ties to even; infinities and not-a-numbers stay what they are.
uint16_t toBFloat16(float value);

/// The bits of the nearest IEEE half, ties to even.
uint16_t toFloat16(float value);

float fromBFloat16(uint16_t bits);

} // namespace yoke

#endif // YOKE_LIB_QUANTIZER_SMALLFLOAT_H
