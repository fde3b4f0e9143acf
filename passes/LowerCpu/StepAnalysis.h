//===- StepAnalysis.h - what the values of a step are ---------------------===//
#ifndef YOKE_PASSES_LOWERCPU_STEPANALYSIS_H
#define YOKE_PASSES_LOWERCPU_STEPANALYSIS_H

#include "LLM/LLM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace yoke {

/// True for rows of activations, tensor<?xD>.
bool isActivation(mlir::Value value);

/// Columns of rows of activations.
int64_t activationColumns(mlir::Value value);

/// What is known of an activation of `@step` before any code is written.
struct ActivationInfo {
  mlir::Value root;        ///< The value whose buffer holds it.
  bool outputRows = false; ///< Has a row for each wanted output rather than for each token.
  /// The region that computes only some rows and that this is a value of, or null.
  mlir::Block *part = nullptr;
};

struct StepAnalysis {
  llvm::SmallVector<llm::FusedOp> fusedOps; ///< in order, those in regions included
  llvm::DenseMap<mlir::Value, ActivationInfo> activations;
  mlir::Value returned; ///< the activation that the step returns
  mlir::Value ids;      ///< where its elements stood, of a step that ends in decode.top_k

  /// Fails, with a diagnostic, for a step that the CPU cannot lower: more than one block or tensor result, kernels that
  /// do not compute one float32 activation, slices of other than whole columns, a cache that is read after it was
  /// appended to, or rows that are not those of tokens where some are skipped.
  static mlir::FailureOr<StepAnalysis> of(mlir::func::FuncOp step);
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_STEPANALYSIS_H
