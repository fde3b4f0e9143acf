#pragma once

#include "runtime/Speculation/Drafter.h"
#include "runtime/Speculation/SuffixAutomaton.h"

namespace yoke {

/// Guesses from n-grams of any length of the text so far: what followed the longest suffix that occurred before, and
/// what followed shorter suffixes, weighted by how often it did.
class SuffixDrafter : public Drafter {
public:
  /// Kinds: by length of the suffix, share of the guess among its continuations, and depth.
  static int32_t addKinds(AcceptanceModel &acceptance);
  SuffixDrafter(int32_t maxSuffix, const RequestAcceptance &acceptance, int32_t firstKind)
      : maxSuffix(maxSuffix), acceptance(acceptance), firstKind(firstKind) {}

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override;

private:
  /// Longer suffixes count as this long.
  int32_t maxSuffix;
  const RequestAcceptance &acceptance;
  int32_t firstKind;
  SuffixAutomaton automaton;
  size_t seen = 0;
};

} // namespace yoke
