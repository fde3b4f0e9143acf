// A function of llm ops, decomposed, bufferized and run: everything after --yoke-decompose is upstream's.
#pragma once

#include "Interpreter/Matrix.h"
#include "Support/Error.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <variant>
#include <vector>

namespace yoke {

/// One argument: a tensor of floats, or token ids.
using TensorArgument = std::variant<Matrix, std::vector<int32_t>>;

class BufferizedFunction {
public:
  /// Compiles @f of `module`, whose one result is a tensor of rank 2, for this processor. All that the passes need must
  /// be registered in the module's context; the module is changed. Errors (Failed) say which step failed.
  static Result<std::unique_ptr<BufferizedFunction>> compile(mlir::ModuleOp module);

  /// Values are rounded to the element types of @f.
  Result<Matrix> run(const std::vector<TensorArgument> &arguments);

private:
  std::vector<mlir::RankedTensorType> argumentTypes;
  mlir::RankedTensorType resultType;
  std::unique_ptr<mlir::ExecutionEngine> engine;
};

} // namespace yoke
