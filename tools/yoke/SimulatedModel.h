// The shape of the model that a user names: a known name, a config.json, a checkpoint folder or a package.
#pragma once

#include "Simulator/Model.h"

namespace yoke::cli {

/// Weights are not opened. `tensors` and `stages` are the parallelism; 0 keeps that of the named shape (1 for others).
/// Errors: Malformed, Usage.
Result<sim::ModelShape> readShape(const std::string &model, int64_t tensors, int64_t stages);

} // namespace yoke::cli
