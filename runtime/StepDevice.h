// What runs the steps of a session instead of the package's code.
#pragma once

#include "Support/Error.h"
#include "runtime/StepBatch.h"

#include <span>
#include <string>

namespace yoke {

class StepDevice {
public:
  virtual ~StepDevice() = default;

  /// As Session::run. A step that fails yields rows of NaN, and so do those after it.
  virtual void run(StepBatch &batch, std::span<float> rows) = 0;
  /// The first failure.
  virtual const Status &status() const = 0;
  /// What it has done so far, a JSON object.
  virtual std::string work() const = 0;
};

} // namespace yoke
