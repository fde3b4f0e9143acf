// fp16 as the device stores it. Values are kept as float32 that are representable in fp16.
#pragma once

#include <cmath>

namespace yoke::sim {

/// To nearest, ties to even; infinite beyond 65504.
inline float roundToHalf(float value) { return float(_Float16(value)); }

} // namespace yoke::sim
