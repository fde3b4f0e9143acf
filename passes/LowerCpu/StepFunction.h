//===- StepFunction.h - the function that the runtime calls ---------------===//
#ifndef YOKE_PASSES_LOWERCPU_STEPFUNCTION_H
#define YOKE_PASSES_LOWERCPU_STEPFUNCTION_H

#include "LowerCpu/Kernel.h"
#include "LowerCpu/LowerCpu.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace yoke {

/// Builds `@yoke_step` and its kernels from a `@step` of `llm.fused` ops.
class StepFunction {
public:
  StepFunction(mlir::func::FuncOp step, const KernelShape &shape, int64_t maxTokens);

  /// Replaces `@step`. On failure a diagnostic has been emitted.
  mlir::LogicalResult build();

private:
  /// What is known of a value of `@step` before any code is written.
  struct ValueInfo {
    mlir::Value root;        ///< The value whose buffer holds it.
    bool outputRows = false; ///< Has a row for each wanted output rather than for each token.
  };

  mlir::LogicalResult analyse();
  mlir::LogicalResult analyseFused(llm::FusedOp fused);
  mlir::LogicalResult analyseReturn(mlir::func::ReturnOp op);
  mlir::LogicalResult checkCacheUses();
  void plan();
  void createFunction();
  mlir::LogicalResult lower(mlir::Operation *op);
  mlir::LogicalResult lowerFused(llm::FusedOp fused);
  mlir::Value lowerWeight(mlir::ml_program::GlobalLoadConstOp load);
  mlir::Value lowerSlice(mlir::tensor::ExtractSliceOp slice);
  mlir::Value bufferFor(mlir::Value value);
  mlir::Value arenaView(int64_t offset, int64_t bytes);
  mlir::FailureOr<mlir::func::FuncOp> kernelFor(llm::FusedOp fused, mlir::ValueRange operands, int64_t interleave,
                                                const KernelNeeds &needs);
  void describeStep();

  mlir::func::FuncOp step;
  mlir::ModuleOp module;
  const KernelShape shape;
  int64_t maxTokens;
  mlir::SymbolTable symbols;

  llvm::SmallVector<llm::FusedOp> fusedOps;
  llvm::DenseMap<mlir::Value, ValueInfo> infos;
  mlir::Value returned;
  llvm::DenseMap<mlir::Value, int64_t> offsets;          ///< of roots in the arena
  llvm::DenseMap<mlir::Operation *, int64_t> workspaces; ///< offsets of kernels' workspaces
  int64_t arenaBytes = 0, scratchBytes = 0;

  std::optional<mlir::ImplicitLocOpBuilder> builder;
  mlir::func::FuncOp function;
  llvm::DenseMap<mlir::Value, mlir::Value> memory;
  mlir::Value weights, arena, kv, tokens, result, scratch;
  BatchArrays batch;
  Team team;

  struct KernelRecord {
    mlir::func::FuncOp function;
    int64_t calls = 0;
  };
  llvm::StringMap<KernelRecord> kernels;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_STEPFUNCTION_H
