// The systems that are compared with each other: a mode, the hardware that it runs on, and whether as published.
#pragma once

#include "Simulator/Simulate.h"

namespace yoke::sim {

struct System {
  std::string name; ///< gpu, npu, npu-pim, neupims, yoke, published-npu, published-npu-pim, published-neupims
  Target target;
  SimulateOptions options;
};

/// `modes` is a list of names, `published` (the three published ones) or `all`. Each runs on the first of `targets`
/// that has its devices; naive NPU+PIM is that hardware with one row buffer and no composite commands; gpu falls back
/// to `gpu`. Errors: Usage.
Result<std::vector<System>> chooseSystems(std::string_view modes, const std::vector<Target> &targets, const Target &gpu,
                                          Interleave interleave);

} // namespace yoke::sim
