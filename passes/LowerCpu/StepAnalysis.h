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

/// What is known of an activation of a function before any code is written.
struct ActivationInfo {
  mlir::Value root;        ///< The value whose buffer holds it; null for the function's features.
  bool outputRows = false; ///< Has a row for each wanted output rather than for each token.
  /// The region that computes only some rows and that this is a value of, or null.
  mlir::Block *part = nullptr;
  int64_t rowsPerUnit = 1; ///< Rows for each token, or for each row of features.
};

/// Attribute of a function's tokens: how many there are for each row of its features.
inline constexpr llvm::StringLiteral tokensPerRowAttrName = "llm.tokens_per_row";

struct StepAnalysis {
  llvm::SmallVector<llm::FusedOp> fusedOps; ///< in order, those in regions included
  llvm::DenseMap<mlir::Value, ActivationInfo> activations;
  llvm::SmallVector<mlir::Value> returned; ///< the activations that the function returns, in order
  mlir::Value ids;                         ///< where elements of the first stood, of a step that ends in decode.top_k
  mlir::BlockArgument features;            ///< rows that the function continues from; null in `@step`
  int64_t tokensPerUnit = 1;               ///< token ids for each row of features

  bool isReturned(mlir::Value value) const { return llvm::is_contained(returned, value); }

  /// Fails, with a diagnostic, for a function that the CPU cannot lower: more than one block, tensor results that are
  /// the same or that no kernel computes, kernels that do not compute one float32 activation, slices of other than
  /// whole columns, a cache that is read after it was appended to, or rows that are not those of tokens where some are
  /// skipped.
  static mlir::FailureOr<StepAnalysis> of(mlir::func::FuncOp step);
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_STEPANALYSIS_H
