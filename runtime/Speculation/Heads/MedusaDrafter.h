#pragma once

#include "Support/TreeTopology.h"
#include "runtime/Speculation/Drafter.h"
#include "runtime/Speculation/Heads/HeadRunner.h"

namespace yoke {

/// Medusa (Cai et al., 2024): each head guesses one place further ahead from the same last row of the model, so that
/// nodes of one depth have the same guesses below them. The tree takes the most probable combinations, or those that a
/// topology names.
class MedusaDrafter : public Drafter {
public:
  /// Guesses of one head that are considered.
  static constexpr int32_t width = 10;

  /// `topology` may be null; it and the others outlive the drafter.
  MedusaDrafter(HeadRunner &heads, const TreeTopology *topology, const RequestAcceptance &acceptance, HeadKinds kinds);

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override;
  bool readsFeatures() const override { return true; }
  bool isCostly() const override { return true; }
  bool owns(int32_t kind) const override { return kinds.contains(kind); }
  void read(int64_t start, std::span<const float> rows) override;

private:
  bool guess();

  HeadRunner &heads;
  const TreeTopology *topology;
  std::vector<std::vector<int32_t>> children; ///< of each node of the topology
  const RequestAcceptance &acceptance;
  const HeadKinds kinds;
  std::vector<float> last;                     ///< features of the last token read
  int64_t position = -2;                       ///< of that token; -2: none
  std::vector<std::vector<HeadGuess>> guesses; ///< of each head
  StepBatch batch;
  std::vector<float> logits;
};

} // namespace yoke
