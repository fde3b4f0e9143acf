//===- StepTimers.h - steps that tell when each kernel begins -------------===//
#ifndef YOKE_PASSES_LOWERCPU_STEPTIMERS_H
#define YOKE_PASSES_LOWERCPU_STEPTIMERS_H

#include "LowerCpu/KernelBuilder.h"

#include <string>

namespace yoke {

/// For code that is measured. The module gets two symbols: `yoke_mark`, which holds a pointer to a function `void
/// (int64_t)`, and `yoke_kernels`, a line for each kernel with its
/// tuningKey(). The first thread calls the function with the number of each
/// kernel of the step before it runs and, after the last, with their count.
class StepTimers {
public:
  /// Notes that the kernel of this tuningKey() comes next, or one that has none.
  void mark(KernelBuilder &b, llvm::StringRef key);
  /// Notes the end of the step.
  void finish(KernelBuilder &b);
  /// Adds the symbols.
  void declare(mlir::ModuleOp module) const;

private:
  void call(KernelBuilder &b);

  std::string keys;
  int64_t count = 0;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_STEPTIMERS_H
