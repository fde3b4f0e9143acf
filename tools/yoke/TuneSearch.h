// The search for choices with which a model's kernels run best on this machine.
#pragma once

#include "TimedCode.h"
#include "Tuning/TuningFile.h"

#include <atomic>
#include <functional>

namespace yoke::cli {

struct TuneOptions {
  std::string level; ///< as "x86-64-v4+avx512vnni"
  std::string target;
  std::string targetName, version; ///< keys of the entries in the file
  std::string program;             ///< path of the program's .mlir file
  std::string folder;              ///< for temporary files
  std::string output;              ///< the tuning file, written after each choice that was measured
  double seconds = 120;
  bool again = false; ///< measure also what has been measured
  std::function<void(std::string_view, double)> progress;
  const std::atomic<bool> *interrupted = nullptr;
};

struct TuneResult {
  std::vector<std::string> kernels; ///< keys of the model's
  size_t measured = 0, remaining = 0;
};

/// Measures single choices one after the other, each for all kernels at once and in turn with the default, then what
/// was best for each kernel together; keeps what is faster again. A choice that changes a bit of a result is left out.
/// Errors: the compiler's, Resources, Failed when interrupted.
Result<TuneResult> tune(const CompilerLibrary &compiler, Session &session, TuningFile &file,
                        const TuneOptions &options);

/// For each parameter the best of what was measured, where it is better than the default by more than chance.
KernelChoice combineChoices(const std::map<std::string, RelativeTimes> &measured);

} // namespace yoke::cli
