#include "runtime/Speculation/Speculation.h"

#include "runtime/Speculation/TreeSizing.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Share of a step that guesses have to be expected to save: estimates have errors.
constexpr double worthwhile = 0.05;
/// Drafts in a row without a guess worth evaluating, after which fewer drafts are made; at most one in so many steps.
constexpr int64_t patience = 8, maxIdle = 8;
/// The guard: steps that have to show a loss, weight of the newest, and pauses.
constexpr int64_t guardedSteps = 16, firstPause = 32, longestPause = 1024;
constexpr double newestWeight = 1.0 / 16;
/// Steps with guesses in a row, after which one without tells what that costs now.
constexpr int64_t longestStreak = 63;

} // namespace

std::unique_ptr<Speculator> Speculation::begin(DraftRequest request) {
  return std::make_unique<Speculator>(*this, std::move(request));
}

Speculator::Speculator(Speculation &shared, DraftRequest request)
    : shared(shared), acceptance(*shared.acceptanceModel),
      gate(request.sampling.sample ? shared.sampledMemory : shared.greedyMemory) {
  request.cost = &shared.costModel;
  request.acceptance = &acceptance;
  drafters = shared.makeDrafters(request);
}

const DraftTree &Speculator::propose(std::span<const int32_t> history, int64_t otherRows, int64_t maxRows,
                                     int64_t maxDepth) {
  tree.reset(history.back());
  draft.reset(history.back());
  drafted = false;
  stepDraftSeconds = 0;
  costlySeconds = -1;
  const bool sized = shared.options.sized;
  int64_t guesses = std::min<int64_t>(shared.options.rows, maxRows) - 1;
  if (sized)
    guesses = std::min(guesses, shared.costModel.usefulRows() - 1 - otherRows);
  if (std::exchange(skip, false) || guesses <= 0 || maxDepth <= 0 || (sized && idle-- > 0))
    return tree;
  idle = 0;
  if (sized && streak >= longestStreak) {
    streak = 0;
    return tree;
  }
  const auto start = Clock::now();
  DraftLimits limits;
  limits.nodes = static_cast<int32_t>(guesses);
  limits.depth = static_cast<int32_t>(std::min<int64_t>(maxDepth, shared.options.rows));
  limits.minProbability =
      sized ? std::max(limits.minProbability, static_cast<float>(shared.costModel.cheapestRow() / 2)) : 0;
  draftAll(history, limits);
  drafted = true;
  TreeSize size = {static_cast<int32_t>(guesses), 0};
  if (sized)
    size = sizeTree(draft, shared.costModel, otherRows, guesses);
  if (sized && size.savedSeconds < worthwhile * shared.costModel.seconds(otherRows + 1))
    size = {};
  streak = size.guesses > 0 ? streak + 1 : 0;
  if (size.guesses > 0)
    tree = draft.best(size.guesses);
  stepDraftSeconds = secondsSince(start);
  if (size.savedSeconds > stepDraftSeconds)
    unprofitable = 0;
  else if (++unprofitable >= patience)
    idle = std::min(unprofitable / patience, maxIdle);
  return tree;
}

void Speculator::draftAll(std::span<const int32_t> history, const DraftLimits &limits) {
  const bool costly = !shared.options.sized || gate.open();
  for (const auto &drafter : drafters) {
    if (!drafter->isCostly()) {
      drafter->draft(history, limits, draft);
    } else if (costly) {
      const auto start = Clock::now();
      drafter->draft(history, limits, draft);
      costlySeconds = std::max(costlySeconds, 0.0) + secondsSince(start);
    }
  }
}

/// Tells the gate what the guesses of costly drafters saved: a step for each that was accepted, less their rows and the
/// time to make them.
void Speculator::judgeCostly(std::span<const int32_t> tokens) {
  if (costlySeconds < 0)
    return;
  auto isCostly = [&](int32_t node) {
    return std::ranges::any_of(drafters, [&](const auto &drafter) { return drafter->owns(tree[node].kind); });
  };
  int64_t rows = 0, accepted = 0;
  for (int32_t node = 1; node < tree.size(); ++node)
    rows += isCostly(node);
  int32_t node = 0;
  for (size_t i = 0; i < tokens.size() && (node = tree.child(node, tokens[i])) >= 0; ++i)
    accepted += isCostly(node);
  const CostModel &cost = shared.costModel;
  const double row = tree.size() > 1 ? (cost.seconds(tree.size()) - cost.plainSeconds()) / (tree.size() - 1) : 0;
  gate.record(static_cast<double>(accepted) * cost.plainSeconds() - static_cast<double>(rows) * row - costlySeconds);
}

bool Speculator::readsFeatures() const {
  return std::ranges::any_of(drafters, [](const auto &drafter) { return drafter->readsFeatures(); });
}

void Speculator::read(int64_t start, std::span<const float> rows) {
  for (const auto &drafter : drafters)
    if (drafter->readsFeatures())
      drafter->read(start, rows);
}

void Speculator::adopt(const DraftTree &given) {
  tree = given;
  draft.reset(given[0].token); // nothing is known of the kinds of its guesses
  drafted = true;
  stepDraftSeconds = 0;
  costlySeconds = -1;
}

void Speculator::evaluated(std::span<const float> rows) { teach(rows); }

void Speculator::evaluated(const BestTokens &best) { teach(best); }

template <class Rows> void Speculator::teach(const Rows &rows) {
  if (!drafted)
    return;
  const auto start = Clock::now();
  for (const auto &drafter : drafters)
    if (drafter->learns())
      drafter->learn(tree, rows);
  stepDraftSeconds += secondsSince(start);
}

void Speculator::chosen(std::span<const int32_t> tokens) {
  const auto accepted = static_cast<int64_t>(tokens.size()) - 1;
  if (static_cast<int64_t>(statistics.histogram.size()) <= accepted)
    statistics.histogram.resize(accepted + 1);
  ++statistics.histogram[accepted];
  statistics.draftSeconds += stepDraftSeconds;
  if (!drafted)
    return;
  acceptance.record(draft, tokens);
  judgeCostly(tokens);
  if (tree.size() == 1)
    return;
  ++statistics.drafts;
  statistics.guesses += tree.size() - 1;
  statistics.accepted += accepted;
  if (shared.options.sized)
    guard(static_cast<int64_t>(tokens.size()));
}

void Speculator::guard(int64_t tokens) {
  const CostModel &cost = shared.costModel;
  const double gain = static_cast<double>(tokens) * cost.plainSeconds() - cost.seconds(tree.size()) - stepDraftSeconds;
  realisedGain += (gain - realisedGain) * newestWeight;
  if (realisedGain >= 0) {
    pause = 0;
    return;
  }
  if (++verified < guardedSteps)
    return;
  pause = std::clamp(2 * pause, firstPause, longestPause);
  idle = pause;
  verified = 0;
  realisedGain = 0;
}

} // namespace yoke
