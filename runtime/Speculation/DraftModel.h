#pragma once

#include "runtime/Sampler.h"
#include "runtime/Session.h"
#include "runtime/Speculation/CostModel.h"
#include "runtime/Speculation/Drafter.h"

namespace yoke {

/// Whether a model's tokens can be guesses for another's: the same vocabulary, token for token, and the same begin
/// token. Error (Malformed): says what differs.
Status checkDraftModel(const Model &draft, const Model &target);

/// Guesses of a smaller model: one branch, extended while that is expected to pay. It draws with the request's own
/// sampling options and random numbers, so that the two models often agree when sampling as well.
class DraftModel : public Drafter {
public:
  /// Kinds: by the guess's lead over the second-best token, and depth.
  static int32_t addKinds(AcceptanceModel &acceptance);
  /// `session` of the draft model, `cost` of the target's steps; both outlive the drafter.
  DraftModel(Session &session, Sampler sampler, int64_t promptLength, const CostModel &cost,
             const RequestAcceptance &acceptance, int32_t firstKind);
  ~DraftModel() override;

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override;
  bool isCostly() const override { return true; }
  bool owns(int32_t kind) const override;

private:
  Status extend(std::span<const int32_t> tokens);
  Result<int32_t> guess(std::span<const int32_t> text, int32_t depth, int32_t &kind);

  Session &session;
  Sampler sampler;
  int64_t promptLength;
  const CostModel &cost;
  const RequestAcceptance &acceptance;
  int32_t firstKind;
  KvCache::SequenceId sequence;
  std::vector<int32_t> cached; ///< tokens whose keys and values are in the draft model's cache
  std::vector<float> row;      ///< logits after the last of them
  double stepSeconds = 0;      ///< of one draft token, running mean
  StepBatch batch;
};

} // namespace yoke
