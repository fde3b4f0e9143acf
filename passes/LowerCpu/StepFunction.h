//===- StepFunction.h - the function that the runtime calls ---------------===//
#ifndef YOKE_PASSES_LOWERCPU_STEPFUNCTION_H
#define YOKE_PASSES_LOWERCPU_STEPFUNCTION_H

#include "LowerCpu/ArenaPlan.h"
#include "LowerCpu/Kernel.h"
#include "LowerCpu/LowerCpu.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace yoke {

/// Builds `@yoke_step` and its kernels from a `@step` of `llm.fused` ops.
class StepFunction {
public:
  StepFunction(mlir::func::FuncOp step, const KernelShape &shape, int64_t maxTokens)
      : step(step), module(step->getParentOfType<mlir::ModuleOp>()), shape(shape), maxTokens(maxTokens),
        symbols(module) {}

  /// Replaces `@step`. On failure a diagnostic has been emitted.
  mlir::LogicalResult build();

private:
  void createFunction();
  mlir::LogicalResult lower(mlir::Operation *op);
  mlir::LogicalResult lowerFused(llm::FusedOp fused);
  mlir::Value lowerWeight(mlir::ml_program::GlobalLoadConstOp load);
  mlir::Value lowerSlice(mlir::tensor::ExtractSliceOp slice);
  mlir::ml_program::GlobalOp globalOf(mlir::ml_program::GlobalLoadConstOp load);
  mlir::Value bufferFor(mlir::Value value);
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(*builder, value); }
  KernelOperands operandsOf(llm::FusedOp fused);
  mlir::FailureOr<mlir::func::FuncOp> kernelFor(llm::FusedOp fused, const KernelOperands &operands);
  void describeStep();

  mlir::func::FuncOp step;
  mlir::ModuleOp module;
  const KernelShape shape;
  int64_t maxTokens;
  mlir::SymbolTable symbols;
  StepAnalysis analysis;
  ArenaPlan plan;

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
