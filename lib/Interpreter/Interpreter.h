// The reference interpreter: what an llm program means, op by op, in plain code. Compiled code is tested against it.
#pragma once

#include "Interpreter/Batch.h"
#include "Interpreter/KvCache.h"
#include "Interpreter/Matrix.h"
#include "Interpreter/Weights.h"
#include "Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

#include <map>
#include <memory>

namespace yoke {

/// The weights of a module, each asked for once, when first used.
class WeightCache {
public:
  /// Values are rounded to `storage`, bf16 or f16, where it is given.
  WeightCache(mlir::ModuleOp module, WeightProvider provider, mlir::Type storage = {})
      : symbols(module), provider(std::move(provider)), storage(storage) {}
  Result<std::shared_ptr<const Matrix>> load(mlir::SymbolRefAttr name, mlir::Operation *user);

private:
  mlir::SymbolTable symbols;
  WeightProvider provider;
  mlir::Type storage;
  std::map<std::string, std::shared_ptr<const Matrix>> loaded;
};

/// Runs functions of one verified module: every llm and moe op, and of arith, tensor, ml_program and func what import
/// and fusion use beside them. Values whose element type is bf16 or f16 are rounded to it.
class Interpreter {
public:
  /// The module must outlive the interpreter.
  Interpreter(mlir::ModuleOp module, WeightProvider provider) : module(module), weights(module, std::move(provider)) {}

  /// Runs `function` on one step and returns its tensor results in order. Arguments are bound by type: tensor<?xi32> to
  /// the batch's tokens, !llm.batch to the batch, !llm.kv_cache to `cache`, which receives the step's keys and values,
  /// and float tensors in order to `inputs`. Errors name the op and its location: an op that is not interpreted or a
  /// cache value used twice (Failed), a batch or input that does not fit the program (Usage), weights (as the provider
  /// says).
  Result<std::vector<Matrix>> run(llvm::StringRef function, const Batch &batch, KvCache &cache,
                                  const std::vector<Matrix> &inputs = {});

private:
  mlir::ModuleOp module;
  WeightCache weights;
};

} // namespace yoke
