//===- Router.h - code that chooses the experts of a token ----------------===//
#ifndef YOKE_PASSES_LOWERCPU_ROUTER_H
#define YOKE_PASSES_LOWERCPU_ROUTER_H

#include "LowerCpu/KernelBuilder.h"
#include "MoE/MoE.h"

namespace yoke {

/// Emits a `moe.route` for one token at a time.
class Router {
public:
  /// `logits` is a memref<?xExf32>, `bias` a memref<Exf32> or null, and `ranks`, when the op ranks experts by other
  /// numbers than the logits, room for rankColumns() numbers of each token: memref<?xNxf32>.
  Router(KernelBuilder &b, moe::RouteOp op, mlir::Value logits, mlir::Value bias, mlir::Value ranks)
      : b(b), op(op), logits(logits), bias(bias), ranks(ranks) {}

  /// The numbers of a token's experts and groups; 0: experts rank by their logits.
  static int64_t rankColumns(moe::RouteOp op) {
    return op.ranksApart() ? op.getLogits().getType().getDimSize(1) + static_cast<int64_t>(op.getGroups()) : 0;
  }

  /// Writes elements token * top_k + j of `weights` (f32) and `experts` (i32).
  void emit(mlir::Value token, mlir::Value weights, mlir::Value experts);

private:
  /// The largest logit of a token and the sum of the exponentials of all, less the largest.
  std::pair<mlir::Value, mlir::Value> softmaxOf(mlir::Value token);
  /// Writes a token's ranks.
  void rank(mlir::Value token);
  void rankGroup(mlir::Value token, mlir::Value group);
  void keepTopGroups(mlir::Value token);
  /// Of `count` numbers of a token in `array`, from column `begin` on, the one that comes after number `index`, which
  /// is `value`, and its index; minus infinity for no number.
  std::pair<mlir::Value, mlir::Value> next(mlir::Value array, int64_t begin, int64_t count, mlir::Value token,
                                           mlir::Value value, mlir::Value index);
  std::pair<mlir::Value, mlir::Value> nextExpert(mlir::Value token, mlir::Value value, mlir::Value index) {
    return next(ranks ? ranks : logits, 0, count(), token, value, index);
  }
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value l, mlir::Value r) {
    return mlir::arith::CmpFOp::create(b, predicate, l, r);
  }
  mlir::Value select(mlir::Value condition, mlir::Value l, mlir::Value r) {
    return mlir::arith::SelectOp::create(b, condition, l, r);
  }
  /// Whether number `index`, which is `value`, comes after number `otherIndex`, which is `other`.
  mlir::Value follows(mlir::Value value, mlir::Value index, mlir::Value other, mlir::Value otherIndex);
  mlir::Value scalarExp(mlir::Value x);
  int64_t count() { return op.getLogits().getType().getDimSize(1); }

  KernelBuilder &b;
  moe::RouteOp op;
  mlir::Value logits, bias, ranks;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ROUTER_H
