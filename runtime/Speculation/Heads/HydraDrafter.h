#pragma once

#include "runtime/Speculation/Heads/LevelDrafter.h"

namespace yoke {

/// Hydra (Ankner et al., 2024): a head for each depth, which sees the model's last row and the guesses on the path.
/// Hydra++ reads the rows through a layer of its own first.
class HydraDrafter : public LevelDrafter {
public:
  HydraDrafter(HeadRunner &heads, const CostModel &cost, const RequestAcceptance &acceptance, HeadKinds kinds);
  ~HydraDrafter() override;

  void read(int64_t start, std::span<const float> rows) override { pending.read(start, rows); }

private:
  bool begin(std::span<const int32_t> history) override;
  std::span<const float> evaluate(const DraftTree &tree, std::span<const int32_t> nodes) override;
  int32_t depths() const override { return static_cast<int32_t>(heads.description().heads); }
  bool readPrefix();

  PendingRows pending;
  const int prefix; ///< function, -1 for none
  std::vector<int> functions;
  KvCache::SequenceId sequence = -1;
  int64_t position = -2;       ///< of the token that `features` belong to; -2: none
  std::vector<float> features; ///< [D]
  StepBatch batch;
  std::vector<float> inputs, result;
};

} // namespace yoke
