// Values and the walk over a block; internal to the interpreter.
#pragma once

#include "Interpreter/Interpreter.h"
#include "LLM/LLM.h"

#include <variant>

namespace yoke {

struct BatchValue {};

/// The cache after `version` attentions of the step have appended to it.
struct CacheValue {
  int64_t version;
};

/// Float tensor, i32 tensor, index, !llm.batch or !llm.kv_cache.
using RuntimeValue = std::variant<std::shared_ptr<const Matrix>, std::vector<int32_t>, int64_t, BatchValue, CacheValue>;

/// What every op of one step shares.
struct Step {
  const Batch &batch;
  KvCache &cache;
  WeightCache &weights;
  int64_t cacheVersion = 0;
};

/// Runs the ops of `block` and returns the operands of its terminator.
Result<llvm::SmallVector<RuntimeValue>> runBlock(Step &step, mlir::Block &block,
                                                 llvm::ArrayRef<RuntimeValue> arguments);

/// Runs one op on the values of its operands, in their order.
Result<llvm::SmallVector<RuntimeValue>> runOp(Step &step, mlir::Operation *op, llvm::ArrayRef<RuntimeValue> operands);

/// "llm.linear at loc("m.mlir":3:5): message".
tl::unexpected<Error> errorAt(ErrorKind kind, mlir::Operation *op, const std::string &message);

/// Rounds every element to nearest, ties to even, when `element` is bf16 or f16.
void roundTo(mlir::Type element, Matrix &matrix);

/// Errors unless `matrix` has the static sizes of the tensor type `type`.
Status expectShape(mlir::Operation *op, mlir::Type type, const Matrix &matrix);

} // namespace yoke
