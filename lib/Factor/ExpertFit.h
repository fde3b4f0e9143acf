// The weights of a layer's experts, given its router.
#pragma once

#include "Factor/LayerFit.h"
#include "Factor/RouterFit.h"

namespace yoke {

/// Computes and fits one layer's experts on its calibration rows, a chunk of rows at a time.
class ExpertFit {
public:
  ExpertFit(LayerExperts &layer, const FloatMatrix &x, const FloatMatrix &target, int64_t topK)
      : layer(layer), x(x), target(target), topK(topK) {}

  /// For each token the experts that take most from what the shared neurons leave of the target, chosen one by one.
  ExpertChoices bestChoices() const;
  /// Squared error relative to the target's square.
  double error() const;
  /// Least squares over down, all experts together, near what it is.
  Status refitDown();
  /// Passes of Adam over all three matrices, the rate falling to nothing.
  void descend(int64_t epochs);

private:
  struct Chunk;
  void forward(Chunk &chunk) const;
  template <class Work> void forChunks(int64_t rows, Work work) const;

  LayerExperts &layer;
  const FloatMatrix &x, &target;
  int64_t topK;
};

/// silu(gate x) * (up x) for rows [begin, end) of x.
FloatMatrix innerRows(const GatedBlock &block, const FloatMatrix &x, int64_t begin, int64_t end);

} // namespace yoke
