// Comparing the tensors that a model needs with those that a checkpoint has.
#pragma once

#include "Checkpoint/Checkpoint.h"

#include <functional>
#include <string>
#include <vector>

namespace yoke {

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape; ///< row-major, as stored
};

/// Checks, before anything is allocated, that each of `expected` exists with its shape, and that no other tensor does
/// unless `mayBeExtra(name)` says so (buffers that some exporters write, copies of tied weights). The error (Malformed)
/// names the first few of each kind and counts the rest.
Status checkTensors(const Checkpoint &checkpoint, std::span<const ExpectedTensor> expected,
                    const std::function<bool(std::string_view)> &mayBeExtra);

} // namespace yoke
