#include "runtime/Speculation/DraftModel.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int32_t marginClasses = 5, depthClasses = 2;
/// Guesses of one draft, whatever the limits.
constexpr int32_t longestBranch = 16;

int32_t marginClass(std::span<const float> logits) {
  float best = -INFINITY, second = -INFINITY;
  for (float value : logits) {
    second = std::max(second, std::min(best, value));
    best = std::max(best, value);
  }
  constexpr std::array<float, marginClasses - 1> limits = {0.3f, 1.0f, 2.0f, 4.0f};
  return static_cast<int32_t>(std::ranges::upper_bound(limits, best - second) - limits.begin());
}

} // namespace

Status checkDraftModel(const Model &draft, const Model &target) {
  if (!draft.generates())
    return malformed("{}: does not generate text, so that it cannot draft for {}", draft.path, target.path);
  const Manifest &a = draft.manifest, &b = target.manifest;
  if (a.vocabSize != b.vocabSize)
    return malformed("{}: has {} tokens, but {} has {}: a draft model needs the same vocabulary", draft.path,
                     a.vocabSize, target.path, b.vocabSize);
  if (a.bosTokenId && b.bosTokenId && *a.bosTokenId != *b.bosTokenId)
    return malformed("{}: begins texts with token {}, but {} with {}: a draft model needs the same vocabulary",
                     draft.path, *a.bosTokenId, target.path, *b.bosTokenId);
  if (!draft.tokenizer || !target.tokenizer)
    return {};
  for (int32_t token = 0; token < a.vocabSize; ++token)
    if (draft.tokenizer->idToToken(token) != target.tokenizer->idToToken(token))
      return malformed("{}: token {} is another one than in {}: a draft model needs the same vocabulary", draft.path,
                       token, target.path);
  return {};
}

int32_t DraftModel::addKinds(AcceptanceModel &acceptance) {
  std::vector<float> priors;
  for (float prior : {0.35f, 0.5f, 0.6f, 0.75f, 0.9f})
    for (int32_t depth = 0; depth < depthClasses; ++depth)
      priors.push_back(prior);
  return acceptance.addKinds(priors);
}

DraftModel::DraftModel(Session &session, Sampler sampler, int64_t promptLength, const CostModel &cost,
                       const RequestAcceptance &acceptance, int32_t firstKind)
    : session(session), sampler(std::move(sampler)), promptLength(promptLength), cost(cost), acceptance(acceptance),
      firstKind(firstKind), sequence(session.kvCache().addSequence()), row(session.outputColumns()) {}

bool DraftModel::owns(int32_t kind) const {
  return kind >= firstKind && kind < firstKind + marginClasses * depthClasses;
}

DraftModel::~DraftModel() { session.kvCache().removeSequence(sequence); }

/// Runs the draft model on `tokens` after the cached ones; leaves the logits after the last of them in `row`.
Status DraftModel::extend(std::span<const int32_t> tokens) {
  while (!tokens.empty()) {
    const auto start = static_cast<int64_t>(cached.size());
    const auto count = std::min<int64_t>(static_cast<int64_t>(tokens.size()), session.maxStepTokens());
    YOKE_TRY(session.kvCache().prepareWrite(sequence, start, start + count));
    batch.clear();
    const int32_t first =
        batch.addCausal(batch.addSequence(session.kvCache().blockTable(sequence)), tokens.first(count), start);
    if (count == static_cast<int64_t>(tokens.size()))
      batch.wantOutput(first + static_cast<int32_t>(count) - 1);
    session.run(batch, row);
    cached.insert(cached.end(), tokens.begin(), tokens.begin() + count);
    tokens = tokens.subspan(count);
  }
  return {};
}

Result<int32_t> DraftModel::guess(std::span<const int32_t> text, int32_t depth, int32_t &kind) {
  kind = firstKind + marginClass(row) * depthClasses + (depth > 1);
  return sampler.choose(row, text, promptLength);
}

void DraftModel::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  // What was drafted and accepted is still in the cache; the row of the last token has to be computed again.
  const auto same = std::ranges::mismatch(cached, history).in1 - cached.begin();
  cached.resize(std::min<size_t>(same, history.size() - 1));
  const int64_t room = session.model().manifest.maxPositions - static_cast<int64_t>(history.size());
  const auto depthLimit = static_cast<int32_t>(std::min<int64_t>({limits.depth, limits.nodes, longestBranch, room}));
  const bool everything = limits.minProbability == 0;
  std::vector<int32_t> text(history.begin(), history.end());
  double tokens = 1, seconds = cost.plainSeconds();
  float reached = 1;
  int32_t node = 0;
  for (int32_t depth = 1; depth <= depthLimit; ++depth) {
    // One more guess pays when it yields more tokens per second than those before it.
    constexpr float usualAcceptance = 0.7f;
    const double more = stepSeconds + cost.seconds(depth + 1) - cost.seconds(depth);
    if (!everything && reached * usualAcceptance * seconds < tokens * more)
      return;
    const auto start = Clock::now();
    if (!extend(std::span<const int32_t>(text).subspan(cached.size())))
      return;
    int32_t kind = 0;
    // A draft model's NaN ends the draft: nothing else depends on it.
    const auto token = guess(text, depth, kind);
    if (!token)
      return;
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    if (depth > 1)
      stepSeconds += (taken - stepSeconds) / (stepSeconds == 0 ? 1 : 16);
    node = tree.add(node, *token, kind, acceptance.probability(kind));
    reached = tree[node].probability;
    tokens += reached;
    seconds += more;
    text.push_back(*token);
  }
}

} // namespace yoke
