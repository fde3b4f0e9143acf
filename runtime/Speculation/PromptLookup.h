#pragma once

#include "runtime/Speculation/Drafter.h"

#include <unordered_map>

namespace yoke {

/// Guesses that what followed the first occurrence of the last few tokens follows again (prompt lookup decoding).
class PromptLookup : public Drafter {
public:
  struct Options {
    int32_t maxMatch = 3; ///< tokens that have to match; shorter matches are tried in turn
    int32_t copied = 10;  ///< tokens copied at most
  };
  static constexpr int32_t maxMatchLimit = 8;

  /// Kinds: by length of the match and depth. To be added once per model; requests share them.
  static int32_t addKinds(AcceptanceModel &acceptance);
  PromptLookup(Options options, const RequestAcceptance &acceptance, int32_t firstKind)
      : options(options), acceptance(acceptance), firstKind(firstKind), places(options.maxMatch) {}

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override;

private:
  void index(std::span<const int32_t> history);
  int32_t kind(int32_t match, int32_t depth) const;

  Options options;
  const RequestAcceptance &acceptance;
  int32_t firstKind;
  size_t indexed = 0;
  /// For each length: hash of so many tokens -> where the token after their first occurrence stands.
  std::vector<std::unordered_map<uint64_t, uint32_t>> places;
};

} // namespace yoke
