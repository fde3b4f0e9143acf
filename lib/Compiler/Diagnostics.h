//===- Diagnostics.h - MLIR's diagnostics as one line ---------------------===//
#ifndef YOKE_LIB_COMPILER_DIAGNOSTICS_H
#define YOKE_LIB_COMPILER_DIAGNOSTICS_H

#include "Support/Error.h"

#include "mlir/IR/Diagnostics.h"

namespace yoke {

/// While it lives, keeps the first error of a context instead of printing. Remarks go to stderr.
class FirstError {
public:
  explicit FirstError(mlir::MLIRContext &context);

  /// The error, or `otherwise` when none was emitted. One line: place, then message.
  Error take(ErrorKind kind, std::string otherwise) const;

private:
  std::string message;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace yoke

#endif // YOKE_LIB_COMPILER_DIAGNOSTICS_H
