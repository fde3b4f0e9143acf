// What the machine can do at best, measured in a second, as the yardstick for the model's speed.
#pragma once

#include "runtime/ThreadTeam.h"

namespace yoke {

struct Roof {
  double readBytesPerSecond;     ///< streaming reads of 512 MiB by the whole team, best of several passes
  double flopsPerSecond;         ///< f32 multiply-add, two operations each
  double bf16FlopsPerSecond = 0; ///< dot products of pairs of bfloat16; 0 where no instruction does them
  double int8OpsPerSecond = 0;   ///< dot products of four bytes; 0 where no instruction does them
};

/// Error: Resources.
Result<Roof> measureRoof(ThreadTeam &team);

} // namespace yoke
