#include "runtime/Generator.h"

#include <algorithm>
#include <chrono>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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

} // namespace

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
                                                       TokenCallback callback) {
  const Model &model = session.model();
  YOKE_TRY(checkRequest(model, request));
  std::unique_ptr<Generation> generation(new Generation(session, std::move(request), std::move(callback)));
  const auto length = static_cast<int64_t>(generation->request.prompt.size());
  generation->maxNewTokens = std::min(generation->request.maxNewTokens, model.manifest.maxPositions - length);
  generation->result.stats.promptTokens = length;
  if (generation->maxNewTokens <= 0)
    generation->finish(FinishReason::Length);
  return generation;
}

Generation::~Generation() { session.kvCache().removeSequence(sequence); }

Result<int64_t> Generation::contribute(StepBatch &batch, int64_t budget) {
  const auto known = static_cast<int64_t>(history.size());
  const int64_t count = std::min(budget, known - committed);
  YOKE_TRY(session.kvCache().prepareWrite(sequence, committed, committed + count));
  int32_t row = batch.addSequence(session.kvCache().blockTable(sequence));
  int32_t first = batch.addCausal(row, std::span(history).subspan(committed, count), committed);
  committed += count;
  if (committed < known)
    return 0;
  batch.wantOutput(first + static_cast<int32_t>(count) - 1);
  return 1;
}

Status Generation::consume(std::span<float> rows) {
  std::vector<float> original;
  if (request.logprobs)
    original.assign(rows.begin(), rows.end());
  int32_t token = YOKE_TRY(sampler.choose(rows, history, static_cast<int64_t>(request.prompt.size())));
  if (request.logprobs)
    result.logprobs.push_back(logprobsOf(original, token, *request.logprobs));
  accept(token);
  return {};
}

void Generation::accept(int32_t token) {
  history.push_back(token);
  result.tokens.push_back(token);
  ++result.stats.generatedTokens;
  const std::vector<int32_t> &ends = session.model().endTokens;
  const bool ended = !request.ignoreEndTokens && std::ranges::find(ends, token) != ends.end();
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
                                const std::atomic<bool> *cancelled) {
  auto start = Clock::now();
  auto generation = YOKE_TRY(Generation::create(session, std::move(request), callback));
  std::vector<float> row(session.outputColumns());
  StepBatch batch;
  while (!generation->finished()) {
    if (cancelled && cancelled->load(std::memory_order_relaxed)) {
      generation->cancel();
      break;
    }
    batch.clear();
    int64_t rows = YOKE_TRY(generation->contribute(batch, session.maxStepTokens()));
    session.run(batch, row);
    GenerateStats &stats = generation->stats();
    ++stats.modelCalls;
    if (rows == 0)
      continue;
    ++stats.samplingCalls;
    YOKE_TRY(generation->consume(row));
    if (stats.generatedTokens == 1) {
      stats.prefillSeconds = secondsSince(start);
      start = Clock::now();
    }
  }
  GenerateStats &stats = generation->stats();
  (stats.generatedTokens > 0 ? stats.decodeSeconds : stats.prefillSeconds) = secondsSince(start);
  return generation->takeResult();
}

} // namespace yoke
