//===- StepFunction.h - the function that the runtime calls ---------------===//
#ifndef YOKE_PASSES_LOWERCPU_STEPFUNCTION_H
#define YOKE_PASSES_LOWERCPU_STEPFUNCTION_H

#include "LowerCpu/ArenaPlan.h"
#include "LowerCpu/Kernel.h"
#include "LowerCpu/LowerCpu.h"
#include "LowerCpu/SkippedRows.h"
#include "LowerCpu/StepTimers.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace yoke {

/// What the steps of a module, and the functions of its draft heads, have in common: their kernels, and what the
/// runtime has to know.
struct StepTotals {
  struct KernelRecord {
    mlir::func::FuncOp function;
    int64_t calls = 0;
  };
  llvm::StringMap<KernelRecord> kernels;
  llvm::StringMap<mlir::func::FuncOp> sharedFunctions; ///< what is not a kernel, by name and types
  std::optional<StepTimers> timers;                    ///< of `@step`, where it is measured
  int64_t arenaBytes = 0, scratchBytes = 0;            ///< of the largest step
  mlir::SmallVector<mlir::NamedAttribute> fields;      ///< of `llm.step`, from `@step`
  mlir::SmallVector<mlir::NamedAttribute> entries;     ///< `llm.entries`, by name

  /// Sets the module's `llm.step`, `llm.entries` and `llm.kernels`.
  void describe(mlir::ModuleOp module);
};

/// Builds `@yoke_<name>` and its kernels from a step of `llm.fused` ops, or from a function of draft heads, which goes
/// on from features (see StepAbi.h).
class StepFunction {
public:
  StepFunction(mlir::func::FuncOp step, const KernelShape &shape, int64_t maxTokens, StepTotals &totals)
      : step(step), module(step->getParentOfType<mlir::ModuleOp>()), shape(shape), maxTokens(maxTokens),
        symbols(module), totals(totals) {}

  /// Replaces the step. On failure a diagnostic has been emitted.
  mlir::LogicalResult build();

  /// The type of the function, that of lib/Package/StepAbi.h; with `withIds` an int32 array stands behind the result,
  /// with `withFeatures` a float array before it.
  static mlir::FunctionType signature(mlir::MLIRContext *context, bool withIds, bool withFeatures = false);

private:
  void createFunction();
  mlir::LogicalResult lower(mlir::Operation *op);
  mlir::LogicalResult lowerFused(llm::FusedOp fused);
  mlir::LogicalResult lowerBlock(mlir::Block &block);
  mlir::LogicalResult lowerSkip(llm::FfnSkipOp skip);
  void lowerSegments(llm::SegmentsOp op);
  void lowerModalities(llm::ModalitiesOp op);
  mlir::LogicalResult lowerByModality(llm::ByModalityOp op);
  void emitSkipEnd(llm::FfnSkipOp skip, SkippedRows choice);
  /// A private function of `operands` and the calling thread, made by `emit` when `key` is new; calls it here.
  mlir::func::CallOp
  callShared(llvm::StringRef key, mlir::ValueRange operands, mlir::TypeRange results,
             llvm::function_ref<llvm::SmallVector<mlir::Value>(KernelBuilder &, mlir::Block &)> emit);
  mlir::Value rowNumbers(mlir::Value value);
  mlir::Value recordOf(mlir::Operation *op, mlir::Type element);
  void barrier(mlir::Location loc) { KernelBuilder(loc, *builder, shape, team).barrier(); }
  mlir::Value lowerWeight(mlir::ml_program::GlobalLoadConstOp load);
  mlir::Value lowerSlice(mlir::tensor::ExtractSliceOp slice);
  mlir::Value lowerReshape(llm::ReshapeRowsOp reshape);
  mlir::ml_program::GlobalOp globalOf(mlir::ml_program::GlobalLoadConstOp load);
  mlir::Value withRows(mlir::Value list);
  mlir::OpFoldResult rowCount(const ActivationInfo &info);
  mlir::Value rowsAt(mlir::Value floats, mlir::OpFoldResult offset, mlir::OpFoldResult count, int64_t columns);
  mlir::Value bufferFor(mlir::Value value);
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(*builder, value); }
  KernelOperands operandsOf(llm::FusedOp fused);
  mlir::FailureOr<mlir::func::FuncOp> kernelFor(llm::FusedOp fused, const KernelOperands &operands);
  void describeStep();

  mlir::func::FuncOp step;
  mlir::ModuleOp module;
  const KernelShape shape;
  int64_t maxTokens;
  /// Tokens, and wanted outputs, of a step that is made for one number of them (`llm.rows`); else dynamic.
  int64_t rows = mlir::ShapedType::kDynamic;
  mlir::SymbolTable symbols;
  StepTotals &totals;
  StepAnalysis analysis;
  ArenaPlan plan;

  std::optional<mlir::ImplicitLocOpBuilder> builder;
  mlir::func::FuncOp function;
  llvm::DenseMap<mlir::Value, mlir::Value> memory;
  llvm::DenseMap<mlir::Block *, mlir::Value> rowsOf; ///< how many rows a region computes that computes only some
  mlir::Value weights, arena, kv, tokens, features, result, ids, scratch;
  BatchArrays batch;
  Team team;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_STEPFUNCTION_H
