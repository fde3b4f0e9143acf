#pragma once

#include "Support/TreeTopology.h"
#include "runtime/Speculation/Drafter.h"
#include "runtime/Speculation/SuccessorTable.h"

namespace yoke {

/// Token Recycling (Luo et al., 2024): guesses are walks in the table of the model's best successors of each token, in
/// the shape of a template whose nodes compete by how often their kind is right. The table learns from all rows that
/// the model evaluates, rejected ones as well; requests share it.
class TokenRecycling : public Drafter {
public:
  /// Kinds: by rank, margin and depth.
  static int32_t addKinds(AcceptanceModel &acceptance);
  /// `topology` and `table` must outlive the drafter.
  TokenRecycling(const TreeTopology &topology, SuccessorTable &table, const RequestAcceptance &acceptance,
                 int32_t firstKind);

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override;
  bool learns() const override { return true; }
  void learn(const DraftTree &tree, std::span<const float> rows) override;
  void learn(const DraftTree &tree, const BestTokens &best) override;

private:
  const TreeTopology &topology;
  std::vector<std::vector<int32_t>> children; ///< of each node of the topology
  SuccessorTable &table;
  const RequestAcceptance &acceptance;
  int32_t firstKind;
  size_t seen = 0;
};

} // namespace yoke
