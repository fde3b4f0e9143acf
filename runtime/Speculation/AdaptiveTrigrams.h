#pragma once

#include "runtime/Speculation/Drafter.h"
#include "runtime/Speculation/TrigramTable.h"

namespace yoke {

/// Adaptive draft trees from tri-grams (ADED: Liu et al., "Adaptive Draft-Verification for Efficient Large Language
/// Model Decoding", 2024). The table, which requests share, drifts towards the last tokens of the text. Trees are found
/// best guess first, or by the published Monte-Carlo tree search.
class AdaptiveTrigrams : public Drafter {
public:
  /// Kinds: by share among the pair's successors, weight, and depth.
  static int32_t addKinds(AcceptanceModel &acceptance);
  AdaptiveTrigrams(bool monteCarlo, TrigramTable &table, const RequestAcceptance &acceptance, int32_t firstKind)
      : monteCarlo(monteCarlo), table(table), acceptance(acceptance), firstKind(firstKind) {}

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override;

private:
  void observe(std::span<const int32_t> history);
  void searchBestFirst(int32_t before, const DraftLimits &limits, DraftTree &tree) const;
  void searchMonteCarlo(int32_t before, const DraftLimits &limits, DraftTree &tree);
  int32_t kind(std::span<const TrigramTable::Successor> successors, size_t rank, int32_t depth) const;

  bool monteCarlo;
  TrigramTable &table;
  const RequestAcceptance &acceptance;
  int32_t firstKind;
  size_t seen = 0;
  uint64_t searches = 0;
};

} // namespace yoke
