// Other code for a package's step that tells how long each kernel takes.
#pragma once

#include "CompilerLibrary.h"
#include "runtime/CodeModule.h"
#include "runtime/Session.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace yoke::cli {

/// Seconds of all calls of a kernel in one step, by the kernel's key; those without one are under "".
using KernelSeconds = std::map<std::string, double>;

class TimedCode {
public:
  /// Compiles `program`, the .mlir file of a package's `ir`, with the choices of `tuning` (a path, or empty), through
  /// a file `output`. Errors: the compiler's.
  static Result<TimedCode> compile(const CompilerLibrary &compiler, const std::string &program,
                                   const std::string &target, const std::string &tuning, int64_t maxStepTokens,
                                   const std::string &output);

  /// Runs a step of `session`, whose package has the same weights. One at a time in a process.
  KernelSeconds run(Session &session, StepBatch &batch, std::span<float> rows) const;
  /// Of every call, in their order in a step.
  const std::vector<std::string> &kernels() const { return keys; }

private:
  std::unique_ptr<CodeModule> code;
  YokeStepFunction step = nullptr;
  std::vector<std::string> keys;
};

} // namespace yoke::cli
