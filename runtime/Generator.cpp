#include "runtime/Generator.h"

#include "runtime/CompiledLoop.h"
#include "runtime/LogitProcessors.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Whether a row is NaN; NaN in what a row is computed from reaches all of its columns.
bool spoiled(std::span<const float> rows, size_t columns) {
  for (size_t i = 0; i < rows.size(); i += columns)
    if (std::isnan(rows[i]))
      return true;
  return false;
}

} // namespace

Status checkRequest(const Model &model, const GenerateRequest &request) {
  if (!model.generates())
    return failed("{}: the package's task is not generation (it holds an encoder)", model.path);
  const auto length = static_cast<int64_t>(request.prompt.size());
  if (length == 0)
    return malformed("the prompt is empty: it has 0 tokens, at least 1 is needed");
  if (length >= model.manifest.maxPositions)
    return malformed("the prompt has {} tokens, the model has {} positions: no room to generate", length,
                     model.manifest.maxPositions);
  if (!request.stopStrings.empty() && !model.tokenizer)
    return malformed("{}: has no tokenizer, so that stop strings cannot be matched", model.path);
  return model.checkTokens(request.prompt);
}

std::string_view finishReasonName(FinishReason reason) {
  switch (reason) {
  case FinishReason::Unfinished:
    return "unfinished";
  case FinishReason::Stop:
    return "stop";
  case FinishReason::Length:
    return "length";
  case FinishReason::Cancelled:
    return "cancelled";
  }
  return "unfinished";
}

Generation::Generation(Session &session, GenerateRequest givenRequest, TokenCallback callback)
    : session(session), request(std::move(givenRequest)), callback(std::move(callback)),
      sampler(request.sampling, session.model().endTokens), stops(request.stopStrings),
      sequence(session.kvCache().addSequence()), history(request.prompt) {
  if (session.model().tokenizer)
    decoder.emplace(*session.model().tokenizer);
}

Result<std::unique_ptr<Generation>> Generation::create(Session &session, GenerateRequest request,
                                                       TokenCallback callback, Speculation *speculation) {
  const Model &model = session.model();
  YOKE_TRY(checkRequest(model, request));
  std::unique_ptr<Generation> generation(new Generation(session, std::move(request), std::move(callback)));
  const auto length = static_cast<int64_t>(generation->request.prompt.size());
  generation->maxNewTokens = std::min(generation->request.maxNewTokens, model.manifest.maxPositions - length);
  generation->result.stats.promptTokens = length;
  if (speculation)
    generation->speculator = speculation->begin({generation->request.sampling, length});
  if (generation->maxNewTokens <= 0)
    generation->finish(FinishReason::Length);
  return generation;
}

Generation::~Generation() { session.kvCache().removeSequence(sequence); }

Result<int64_t> Generation::contribute(StepBatch &batch, int64_t budget) {
  const auto known = static_cast<int64_t>(history.size());
  if (session.ropeSwitch() > 0 && known > session.ropeSwitch() && !isLong) {
    isLong = true;
    committed = 0; // what is cached was rotated for a short text
  }
  batch.reachTo(known);
  treeInStep = speculator && known - committed == 1;
  if (treeInStep)
    return contributeTree(batch, budget);
  const int64_t count = std::min(budget, known - committed);
  YOKE_TRY(session.kvCache().prepareWrite(sequence, committed, committed + count));
  int32_t row = batch.addSequence(session.kvCache().blockTable(sequence));
  int32_t first = batch.addCausal(row, std::span(history).subspan(committed, count), committed);
  firstInStep = first;
  tokensInStep = count;
  committed += count;
  if (committed < known)
    return 0;
  batch.wantOutput(first + static_cast<int32_t>(count) - 1);
  return 1;
}

/// Slots that a tree may reach: those of the pages that a text of the model's positions would need.
int64_t Generation::draftSlots() const {
  KvCache &cache = session.kvCache();
  const int64_t pageTokens = cache.layout().pageTokens, pages = static_cast<int64_t>(cache.blockTable(sequence).size());
  const int64_t positionPages = (session.model().manifest.maxPositions + pageTokens - 1) / pageTokens;
  return std::min(pages + cache.pagesAvailable(), positionPages) * pageTokens;
}

Result<const DraftTree *> Generation::beginTree(int64_t otherRows, int64_t budget) {
  treeStart = history.size();
  KvCache &cache = session.kvCache();
  if (speculator) {
    const int64_t remaining = maxNewTokens - result.stats.generatedTokens;
    // Guesses do not make a text long.
    const int64_t shortRoom = session.ropeSwitch() > 0 && !isLong ? session.ropeSwitch() - 1 - committed : remaining;
    speculator->propose(history, otherRows, std::min(budget, draftSlots() - committed),
                        std::min(remaining - 1, shortRoom));
  } else {
    rootAlone.reset(history.back());
  }
  if (!cache.prepareWrite(sequence, committed, committed + tree().size())) {
    if (speculator)
      speculator->giveUp();
    YOKE_TRY(cache.prepareWrite(sequence, committed, committed + 1));
  }
  ++committed;
  return &tree();
}

Result<int64_t> Generation::beginRoot(int64_t wanted, int64_t &maxDepth) {
  treeStart = history.size();
  KvCache &cache = session.kvCache();
  maxDepth = maxNewTokens - result.stats.generatedTokens - 1;
  int64_t nodes = std::clamp<int64_t>(draftSlots() - committed, 1, wanted);
  if (!cache.prepareWrite(sequence, committed, committed + nodes)) {
    nodes = 1;
    YOKE_TRY(cache.prepareWrite(sequence, committed, committed + nodes));
  }
  ++committed;
  return nodes;
}

Result<int64_t> Generation::contributeTree(StepBatch &batch, int64_t budget) {
  const DraftTree &tree = *YOKE_TRY(beginTree(batch.outputCount(), budget));
  const int32_t row = batch.addSequence(session.kvCache().blockTable(sequence));
  firstInStep = batch.tokenCount();
  tokensInStep = tree.size();
  const auto first = static_cast<int32_t>(firstInStep), root = static_cast<int32_t>(rootSlot());
  for (int32_t i = 0; i < tree.size(); ++i) {
    const int32_t parent = tree[i].parent < 0 ? -1 : first + tree[i].parent;
    batch.wantOutput(batch.add(row, {tree[i].token, root + tree[i].depth, root + i, root + i + 1, parent}));
  }
  return tree.size();
}

Status Generation::consume(std::span<float> rows, std::span<const float> features) {
  const int64_t columns = session.featureColumns();
  features =
      features.subspan(features.empty() ? 0 : firstInStep * columns, features.empty() ? 0 : tokensInStep * columns);
  if (treeInStep)
    return consumeTree(rows, features);
  if (speculator && !features.empty())
    speculator->read(committed - tokensInStep, features);
  return rows.empty() ? Status() : choose(rows);
}

Status Generation::consumeTree(std::span<float> rows, std::span<const float> features) {
  const size_t columns = rows.size() / tree().size();
  if (tree().size() > 1 && spoiled(rows, columns)) {
    dropTree();
    return {};
  }
  evaluated(rows);
  std::vector<int32_t> path;
  for (int32_t node = 0; node >= 0 && !finished(); node = tree().child(node, history.back())) {
    path.push_back(node);
    YOKE_TRY(choose(rows.subspan(node * columns, columns)));
  }
  keepPath(path, features);
  return {};
}

/// Hands the features of the accepted nodes to the drafters.
void Generation::readPath(std::span<const int32_t> path, int64_t start, std::span<const float> features) {
  if (features.empty() || finished())
    return;
  const int64_t columns = session.featureColumns();
  std::vector<float> rows;
  for (int32_t node : path) {
    const auto row = features.subspan(node * columns, columns);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  speculator->read(start, rows);
}

void Generation::evaluated(std::span<const float> rows) {
  if (speculator)
    speculator->evaluated(rows);
}

void Generation::evaluated(const BestTokens &best) {
  if (speculator)
    speculator->evaluated(best);
}

void Generation::keepPath(std::span<const int32_t> path, std::span<const float> features) {
  const int64_t root = rootSlot();
  for (size_t depth = 1; depth < path.size(); ++depth)
    session.kvCache().moveToken(sequence, root + path[depth], root + static_cast<int64_t>(depth));
  committed = root + static_cast<int64_t>(path.size());
  readPath(path, root, features);
  if (speculator)
    speculator->chosen(std::span(history).subspan(treeStart));
}

void Generation::dropTree() {
  --committed;
  for (int32_t node = 0; node < tree().size(); ++node)
    session.kvCache().clearToken(sequence, committed + node);
  if (speculator)
    speculator->skipNext();
}

bool Generation::isPlainGreedy() const {
  return !request.sampling.sample && !changesLogits(request.sampling) && !request.constraint && !request.logprobs &&
         !request.onLogits;
}

Status Generation::choose(std::span<float> row) {
  if (request.onLogits)
    request.onLogits(row);
  std::vector<float> original;
  if (request.logprobs)
    original.assign(row.begin(), row.end());
  if (request.constraint) {
    const std::vector<int32_t> none;
    if (!YOKE_TRY(maskLogits(*request.constraint, allowed, row,
                             request.ignoreEndTokens ? none : session.model().endTokens))) {
      if (!request.constraint->mayEnd(allowed))
        return failed("no token of the vocabulary continues the text as the constraint wants it");
      finish(FinishReason::Stop);
      return {};
    }
  }
  const int32_t token = YOKE_TRY(sampler.choose(row, history, static_cast<int64_t>(request.prompt.size())));
  if (request.logprobs)
    result.logprobs.push_back(logprobsOf(original, token, *request.logprobs));
  if (request.constraint && !endsText(token))
    allowed = request.constraint->next(allowed, token);
  add(token);
  return {};
}

bool Generation::endsText(int32_t token) const {
  const std::vector<int32_t> &ends = session.model().endTokens;
  return !request.ignoreEndTokens && std::ranges::find(ends, token) != ends.end();
}

void Generation::add(int32_t token) {
  history.push_back(token);
  result.tokens.push_back(token);
  ++result.stats.generatedTokens;
  const bool ended = endsText(token);
  std::string text;
  if (decoder && !ended)
    text = stops.append(decoder->feed(token));
  deliver(token, std::move(text));
  if (finished())
    return;
  if (ended || stops.matched())
    finish(FinishReason::Stop);
  else if (result.stats.generatedTokens >= maxNewTokens)
    finish(FinishReason::Length);
}

void Generation::deliver(int32_t token, std::string text) {
  result.text += text;
  if (callback && !callback(token, text))
    result.finishReason = FinishReason::Cancelled;
}

void Generation::finish(FinishReason reason) {
  result.finishReason = reason;
  if (!decoder)
    return;
  std::string rest = stops.append(decoder->flush());
  rest += stops.finish();
  if (stops.matched() && reason == FinishReason::Length)
    result.finishReason = FinishReason::Stop;
  if (!rest.empty())
    deliver(-1, std::move(rest));
}

Result<GenerateResult> generate(Session &session, GenerateRequest request, const TokenCallback &callback,
                                const std::atomic<bool> *cancelled, Speculation *speculation) {
  auto start = Clock::now();
  auto generation = YOKE_TRY(Generation::create(session, std::move(request), callback, speculation));
  std::vector<float> rows;
  StepBatch batch;
  const bool compiled = CompiledLoop::suits(session, *generation, speculation);
  const bool withFeatures = generation->speculation() && generation->speculation()->readsFeatures();
  while (!generation->finished()) {
    if (compiled && generation->stats().generatedTokens > 0) {
      YOKE_TRY(CompiledLoop(session, *generation, cancelled, speculation).run());
      break;
    }
    if (cancelled && cancelled->load(std::memory_order_relaxed)) {
      generation->cancel();
      break;
    }
    batch.clear();
    const int64_t wanted = YOKE_TRY(generation->contribute(batch, session.maxStepTokens()));
    const int64_t logits = wanted * session.outputColumns();
    const int64_t floats = withFeatures ? session.resultFloats(wanted, batch.tokenCount()) : logits;
    rows.resize(std::max<size_t>(rows.size(), floats));
    const auto stepStart = Clock::now();
    session.run(batch, std::span(rows).first(floats));
    if (speculation && wanted == batch.tokenCount())
      speculation->observeStep(wanted, secondsSince(stepStart));
    GenerateStats &stats = generation->stats();
    ++stats.modelCalls;
    stats.samplingCalls += wanted > 0;
    YOKE_TRY(generation->consume(std::span(rows).first(logits), std::span(rows).subspan(logits, floats - logits)));
    if (wanted > 0 && stats.prefillSeconds == 0) {
      stats.prefillSeconds = secondsSince(start);
      start = Clock::now();
    }
  }
  GenerateStats &stats = generation->stats();
  if (const Speculator *speculator = generation->speculation())
    stats.speculation = speculator->stats();
  (stats.generatedTokens > 0 ? stats.decodeSeconds : stats.prefillSeconds) = secondsSince(start);
  return generation->takeResult();
}

} // namespace yoke
