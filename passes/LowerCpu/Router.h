//===- Router.h - code that chooses the experts of a token ----------------===//
#ifndef YOKE_PASSES_LOWERCPU_ROUTER_H
#define YOKE_PASSES_LOWERCPU_ROUTER_H

#include "LowerCpu/KernelBuilder.h"
#include "MoE/MoE.h"

namespace yoke {

/// Emits a `moe.route` for one token at a time.
class Router {
public:
  /// `logits` is a memref<?xExf32>.
  Router(KernelBuilder &b, moe::RouteOp op, mlir::Value logits) : b(b), op(op), logits(logits) {}

  /// Writes elements token * top_k + j of `weights` (f32) and `experts` (i32).
  void emit(mlir::Value token, mlir::Value weights, mlir::Value experts);

private:
  /// The largest logit of a token and the sum of the exponentials of all, less the largest.
  std::pair<mlir::Value, mlir::Value> softmaxOf(mlir::Value token);
  /// The expert that comes after expert `index` of logit `value`, and its logit, minus infinity for no number.
  std::pair<mlir::Value, mlir::Value> nextExpert(mlir::Value token, mlir::Value value, mlir::Value index);
  mlir::Value scalarExp(mlir::Value x);
  int64_t count() { return op.getLogits().getType().getDimSize(1); }

  KernelBuilder &b;
  moe::RouteOp op;
  mlir::Value logits;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ROUTER_H
