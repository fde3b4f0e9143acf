//===- LoopFunction.h - the function that generates text ------------------===//
#ifndef YOKE_PASSES_DECODE_LOOPFUNCTION_H
#define YOKE_PASSES_DECODE_LOOPFUNCTION_H

#include "Decode/LoopProgram.h"
#include "LowerCpu/KernelBuilder.h"
#include "Package/LoopAbi.h"

namespace yoke {

/// Builds `@yoke_<name>` of lib/Package/LoopAbi.h from a function of one `decode.loop`.
class LoopFunction {
public:
  explicit LoopFunction(mlir::func::FuncOp source)
      : source(source), module(source->getParentOfType<mlir::ModuleOp>()) {}

  /// Replaces the function. On failure a diagnostic has been emitted. `maxTokens`: of one step.
  mlir::LogicalResult build(int64_t maxTokens);

  int64_t capacity() { return program.tree().getNodes(); }
  std::optional<int64_t> best() { return program.best(); }

private:
  void createFunction();
  mlir::func::FuncOp declareStep(llvm::StringRef callee);
  void emitLoop();
  void emitGuesses();
  void emitStepArrays(mlir::Value nodes);
  mlir::Value emitFixedTree(mlir::Value room);
  mlir::Value constants(llvm::StringRef what, llvm::ArrayRef<int32_t> numbers);
  void emitStepCalls(mlir::Value nodes);
  void emitChoice(mlir::Value nodes);
  mlir::Value isNan(mlir::Value node);
  mlir::Value isSpoiled(mlir::Value nodes);
  void emitWalk(mlir::Value nodes);
  mlir::Value chooseAt(mlir::Value node);
  mlir::Value childOf(mlir::Value node, mlir::Value token, mlir::Value nodes);
  void onFirstThread(llvm::function_ref<void()> body);
  void onlyIf(mlir::Value condition, llvm::function_ref<void()> body, llvm::function_ref<void()> otherwise = {});

  mlir::Value hook(int which, mlir::Value argument);
  mlir::Value integer(int64_t value);    ///< i64
  mlir::Value narrow(mlir::Value value); ///< index or i64 to i32
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b);
  mlir::Value place(int array, mlir::Value index); ///< of an element of an array of the state
  mlir::Value get(int array, mlir::Value index);   ///< i32
  void set(int array, mlir::Value index, mlir::Value value);
  void setWord(int word, mlir::Value value);
  mlir::Value arrayOf(int array, mlir::Value size); ///< memref<?xi32>
  int64_t columns();

  mlir::func::FuncOp source;
  mlir::ModuleOp module;
  LoopProgram program;
  std::optional<KernelBuilder> builder;
  mlir::Value weights, arena, kv, stateBytes, state, blocks, rows, ids, table, host, hooks;
  Team team;
};

} // namespace yoke

#endif // YOKE_PASSES_DECODE_LOOPFUNCTION_H
