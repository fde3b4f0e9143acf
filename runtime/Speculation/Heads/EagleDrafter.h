#pragma once

#include "runtime/Speculation/Heads/LevelDrafter.h"

namespace yoke {

/// EAGLE (Li et al., 2024, 2025): a decoder layer that goes on from the model's features and the next token, then from
/// its own output and its guess. Row t of the layer stands for token t + 1 and lies at position t.
class EagleDrafter : public LevelDrafter {
public:
  EagleDrafter(HeadRunner &heads, const CostModel &cost, const RequestAcceptance &acceptance, HeadKinds kinds);
  ~EagleDrafter() override;

  void read(int64_t start, std::span<const float> rows) override { pending.read(start, rows); }

private:
  static constexpr int32_t deepest = 8;

  bool begin(std::span<const int32_t> history) override;
  std::span<const float> evaluate(const DraftTree &tree, std::span<const int32_t> nodes) override;
  int32_t depths() const override { return deepest; }
  bool readText(std::span<const int32_t> history);

  PendingRows pending;
  const int layer, reduce; ///< functions; `reduce` makes features of the model's rows, -1 for none
  KvCache::SequenceId sequence;
  int64_t rows = -1;                      ///< of the text, in the cache; -1: nothing was read
  std::vector<std::vector<float>> hidden; ///< output of the layer for each node, [D]; empty where it was not evaluated
  StepBatch batch;
  std::vector<float> inputs, result, rootLogits;
};

} // namespace yoke
