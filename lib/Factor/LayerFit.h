// One dense feed-forward block made into experts and a router.
#pragma once

#include "Factor/NeuronSplit.h"
#include "Support/Error.h"

namespace yoke {

/// y = down (silu(gate x) * (up x)): gate and up are [inner, hidden], down is [hidden, inner].
struct GatedBlock {
  FloatMatrix gate, up, down;

  int64_t hidden() const { return gate.columns; }
  int64_t inner() const { return gate.rows; }
};

struct FitOptions {
  int64_t experts = 4, topK = 2;
  int64_t shared = 0; ///< neurons that all tokens use
  SplitKind split = SplitKind::Coactivation;
  bool refitsDown = true; ///< least squares over down
  int64_t epochs = 0;     ///< passes of gradient steps over all three matrices, after that
  int64_t rounds = 1;     ///< times that the router and then the matrices are fitted
};

/// Neurons in the order of `split`. A token's result is the shared neurons' plus, for each expert that the router
/// chooses, the expert's times its factor (see routeRows).
struct LayerExperts {
  NeuronSplit split;
  GatedBlock block;
  FloatMatrix router; ///< [experts, hidden]; zeros when every expert is chosen
};

struct LayerReport {
  double sumError = 0; ///< largest difference of the sum of all experts from the block, relative to its largest value
  double routerAccuracy = 1; ///< of the experts that would be best, how many the router chooses
  double splitError = 0;     ///< squared error against the target, relative to its square, with the block's own weights
  double error = 0;          ///< the same with the fitted ones
};

/// Makes `block` into experts such that rows `x` [tokens, hidden] give `target` [tokens, hidden] as nearly as may be.
/// With topK = experts nothing is fitted: the experts' sum is the block. Deterministic on one machine. Error (Failed):
/// activations that are not finite.
Result<LayerExperts> fitLayer(const GatedBlock &block, const FloatMatrix &x, const FloatMatrix &target,
                              const FitOptions &options, LayerReport &report);

} // namespace yoke
