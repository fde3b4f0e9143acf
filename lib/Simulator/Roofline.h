// A device known by its roof: every kernel of a decoder block takes the time of its flops or of its bytes, and a
// launch.
#pragma once

#include "Simulator/Simulate.h"

namespace yoke::sim {

/// Error (Failed): weights, keys and values do not fit in the device's memory.
Result<Simulation> rooflineBlock(const RooflineTarget &device, std::string_view name, const ModelShape &model,
                                 const std::vector<Request> &batch);
Result<Simulation> rooflineHead(const RooflineTarget &device, const ModelShape &model, int64_t rows);

} // namespace yoke::sim
