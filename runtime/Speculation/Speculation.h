// Guessing ahead without changing the result: what a session's requests share (Speculation), and one request's part of
// it (Speculator).
#pragma once

#include "runtime/SamplingOptions.h"
#include "runtime/Speculation/CostModel.h"
#include "runtime/Speculation/DecodeSpec.h"
#include "runtime/Speculation/DraftGate.h"
#include "runtime/Speculation/Drafter.h"

#include <functional>
#include <memory>
#include <span>
#include <string>

namespace yoke {

struct SpeculationStats {
  int64_t drafts = 0;      ///< steps that evaluated guesses
  int64_t guesses = 0;     ///< evaluated in all
  int64_t accepted = 0;    ///< of them
  double draftSeconds = 0; ///< spent on guessing and learning
  /// Steps by the number of guesses accepted in them, steps without guesses included.
  std::vector<int64_t> histogram;

  double acceptance() const { return guesses ? static_cast<double>(accepted) / static_cast<double>(guesses) : 0; }
};

/// What drafters may know of a request.
struct DraftRequest {
  SamplingOptions sampling;
  int64_t promptLength = 0;
  /// Of the model's steps, and of this request's guesses. Set by Speculation; they outlive the drafters.
  const CostModel *cost = nullptr;
  const RequestAcceptance *acceptance = nullptr;
};

using Drafters = std::vector<std::unique_ptr<Drafter>>;

class Speculator;

/// State of drafters that outlives a request, the machine's costs and the estimates of acceptance. Not for concurrent
/// use.
class Speculation {
public:
  struct Options {
    int32_t rows = 64;
    bool sized = true;
  };
  using MakeDrafters = std::function<Drafters(const DraftRequest &)>;

  /// `acceptance` holds the kinds of the drafters' guesses.
  Speculation(Options options, CostModel cost, std::unique_ptr<AcceptanceModel> acceptance, MakeDrafters makeDrafters)
      : options(options), costModel(std::move(cost)), acceptanceModel(std::move(acceptance)),
        makeDrafters(std::move(makeDrafters)) {}

  std::unique_ptr<Speculator> begin(DraftRequest request);
  const CostModel &cost() const { return costModel; }
  /// Tells of a step that was taken, of decoding rows alone.
  void observeStep(int64_t rows, double seconds) { costModel.observe(rows, seconds); }

  /// The name of the drafter, as in a DecodeSpec.
  std::string drafter;
  /// The successors of each token, for compiled loops that walk them; empty for other drafters.
  std::span<int32_t> successors;

  /// Called by `save`, when set.
  std::function<Status()> onSave;
  /// Keeps for later runs what drafters learned. Error: Resources.
  Status save() const { return onSave ? onSave() : Status(); }

private:
  friend class Speculator;
  Options options;
  CostModel costModel;
  std::unique_ptr<AcceptanceModel> acceptanceModel;
  MakeDrafters makeDrafters;
  DraftGate::Memory greedyMemory, sampledMemory;
};

class Speculator {
public:
  Speculator(Speculation &shared, DraftRequest request);

  /// The tree to evaluate in this step, below the last token of `history`; the root alone when guesses would not pay.
  /// `otherRows`: rows of other sequences in the step; `maxRows`: room for this one; `maxDepth`: tokens that may still
  /// follow the root's successor.
  const DraftTree &propose(std::span<const int32_t> history, int64_t otherRows, int64_t maxRows, int64_t maxDepth);
  /// Reduces the tree of this step to its root.
  void giveUp() { tree.reset(tree[0].token); }
  /// The tree that somebody else made for this step.
  void adopt(const DraftTree &given);
  /// Proposes the root alone in the next step.
  void skipNext() { skip = true; }
  const DraftTree &proposed() const { return tree; }

  /// Whether drafters go on from the model's features.
  bool readsFeatures() const;
  /// Features of the tokens of the history from `start` on, as Drafter::read.
  void read(int64_t start, std::span<const float> rows);
  /// The step's rows of logits, one for each node, as the model gave them.
  void evaluated(std::span<const float> rows);
  /// The same, of the best tokens of each node.
  void evaluated(const BestTokens &best);
  /// The tokens chosen in this step: those of the accepted nodes, then one more.
  void chosen(std::span<const int32_t> tokens);

  const SpeculationStats &stats() const { return statistics; }

private:
  void draftAll(std::span<const int32_t> history, const DraftLimits &limits);
  void judgeCostly(std::span<const int32_t> tokens);
  template <class Rows> void teach(const Rows &rows);
  void guard(int64_t tokens);

  Speculation &shared;
  RequestAcceptance acceptance;
  Drafters drafters;
  DraftGate gate;
  DraftTree draft, tree;
  SpeculationStats statistics;
  bool skip = false;
  bool drafted = false; ///< in this step
  double stepDraftSeconds = 0;
  double costlySeconds = -1; ///< of it by costly drafters; negative when none drafted in this step
  int64_t streak = 0;        ///< steps with guesses in a row
  int64_t idle = 0;          ///< steps to pass before drafting again
  int64_t unprofitable = 0;  ///< drafts in a row of which nothing was worth evaluating
  int64_t verified = 0;      ///< steps that evaluated guesses since the guard last struck
  double realisedGain = 0;   ///< seconds a step that evaluates guesses saves, running mean
  int64_t pause = 0;         ///< length of the guard's last pause
};

} // namespace yoke
