//===- Describe.h - a module's attributes as a manifest -------------------===//
#ifndef YOKE_LIB_COMPILER_DESCRIBE_H
#define YOKE_LIB_COMPILER_DESCRIBE_H

#include "Package/Manifest.h"
#include "Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

namespace yoke {

/// Fills the model, step and kernel parts of a manifest from `llm.model`, `llm.step` and `llm.kernels`. Error
/// (Malformed): an attribute is absent.
Result<Manifest> describeModule(mlir::ModuleOp module);

/// The position from which on `@step` rotates by the long frequencies of its rotary tables; 0 when there are none.
int64_t ropeSwitchOf(mlir::ModuleOp module);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_DESCRIBE_H
