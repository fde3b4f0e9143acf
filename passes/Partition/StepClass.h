//===- StepClass.h - how many tokens a step has ---------------------------===//
#ifndef YOKE_PASSES_PARTITION_STEPCLASS_H
#define YOKE_PASSES_PARTITION_STEPCLASS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <string>

namespace yoke {

/// A class of steps: so many sequences of so many tokens each.
struct StepClass {
  int64_t sequences = 1, tokens = 1;

  int64_t rows() const { return sequences * tokens; }
  /// SEQUENCESxTOKENS.
  std::string name() const;
  static std::optional<StepClass> parse(llvm::StringRef text);

  /// The attribute `llm.class` of a function; one token where there is none.
  static StepClass of(mlir::func::FuncOp function);
  void attachTo(mlir::func::FuncOp function) const;
};

} // namespace yoke

#endif // YOKE_PASSES_PARTITION_STEPCLASS_H
