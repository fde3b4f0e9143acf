//===- Probe.h - a step that returns what a norm sees ---------------------===//
#ifndef YOKE_LIB_COMPILER_PROBE_H
#define YOKE_LIB_COMPILER_PROBE_H

#include "Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

namespace yoke {

/// Makes `@step` of an imported module return, for every token, the operand and the result of the RMS norm whose scale
/// is the weight `scale`, side by side: [T, 2 D]. What does not lead there is erased. Error (Malformed): there is no
/// such norm.
Status probeNorm(mlir::ModuleOp module, llvm::StringRef scale);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_PROBE_H
