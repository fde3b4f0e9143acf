#include "runtime/Generator.h"
#include "FakeModel.h"
#include "runtime/Evaluator.h"

#include <cmath>
#include <gtest/gtest.h>

namespace yoke {
namespace {

using test::fakeContinuation;
using test::fakeNext;
using test::FakeOptions;
using test::makeFakeModel;

std::unique_ptr<Session> makeSession(std::shared_ptr<const Model> model, int threads = 2) {
  return Session::create(std::move(model), {threads, false, 0}).value();
}

std::vector<int32_t> promptOf(size_t length) {
  std::vector<int32_t> prompt;
  for (size_t i = 0; i < length; ++i)
    prompt.push_back(static_cast<int32_t>((i * 13 + 5) % FakeVocabulary));
  return prompt;
}

GenerateRequest requestFor(std::vector<int32_t> prompt, int64_t maxNewTokens) {
  GenerateRequest request;
  request.prompt = std::move(prompt);
  request.maxNewTokens = maxNewTokens;
  return request;
}

TEST(Generate, ContinuesPromptsOfAllLengths) {
  for (int threads : {1, 2, 3}) {
    auto session = makeSession(makeFakeModel(), threads);
    for (size_t length : {1, 3, 4, 5, 7, 8, 9, 16, 17, 31, 40}) {
      auto prompt = promptOf(length);
      auto result = generate(*session, requestFor(prompt, 20));
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->tokens, fakeContinuation(prompt, 20)) << "prompt of " << length;
      EXPECT_EQ(result->finishReason, FinishReason::Length);
      EXPECT_EQ(result->stats.promptTokens, static_cast<int64_t>(length));
      EXPECT_EQ(result->stats.generatedTokens, 20);
      EXPECT_EQ(result->stats.modelCalls, static_cast<int64_t>((length + 7) / 8) + 19);
      EXPECT_DOUBLE_EQ(result->stats.tokensPerCall(), 1);
    }
    EXPECT_EQ(session->kvCache().pagesInUse(), 0);
    EXPECT_LE(yokeFakeLargestStep, 8);
  }
}

TEST(Generate, StopsAtTheModelsPositions) {
  auto session = makeSession(makeFakeModel({.maxPositions = 24}));
  auto result = generate(*session, requestFor(promptOf(20), 1000));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->tokens.size(), 4u);
  EXPECT_EQ(result->finishReason, FinishReason::Length);
}

TEST(Generate, RefusesPromptsWithoutRoom) {
  auto session = makeSession(makeFakeModel({.maxPositions = 24}));
  for (size_t length : {24, 25, 100}) {
    auto result = generate(*session, requestFor(promptOf(length), 5));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Malformed);
    EXPECT_NE(result.error().message.find(std::to_string(length)), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find("24"), std::string::npos);
  }
  EXPECT_FALSE(generate(*session, requestFor({}, 5)));
  EXPECT_FALSE(generate(*session, requestFor({1, FakeVocabulary}, 5)));
  EXPECT_FALSE(generate(*session, requestFor({1, -1}, 5)));
}

TEST(Generate, ZeroTokensCallNothing) {
  auto session = makeSession(makeFakeModel());
  auto result = generate(*session, requestFor({1, 2}, 0));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->tokens.empty());
  EXPECT_EQ(result->finishReason, FinishReason::Length);
  EXPECT_EQ(yokeFakeCalls, 0);
}

TEST(Generate, EndTokens) {
  auto expected = fakeContinuation(promptOf(6), 10);
  FakeOptions options;
  options.endTokens = {expected[4]};
  auto session = makeSession(makeFakeModel(options));
  GenerateRequest request = requestFor(promptOf(6), 10);
  auto result = generate(*session, request);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finishReason, FinishReason::Stop);
  EXPECT_EQ(result->tokens, std::vector<int32_t>(expected.begin(), expected.begin() + 5));

  request.ignoreEndTokens = true;
  EXPECT_EQ(generate(*session, request)->tokens, expected);

  request.ignoreEndTokens = false;
  request.sampling.minNewTokens = 7;
  auto later = generate(*session, request);
  ASSERT_TRUE(later);
  EXPECT_GE(later->tokens.size(), 7u);
  EXPECT_NE(later->tokens[4], expected[4]);
}

TEST(Generate, CancelsBetweenSteps) {
  auto session = makeSession(makeFakeModel());
  std::atomic<bool> cancelled{false};
  auto onToken = [&, count = 0](int32_t, std::string_view) mutable {
    if (++count == 3)
      cancelled = true;
    return true;
  };
  auto result = generate(*session, requestFor({1}, 20), onToken, &cancelled);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finishReason, FinishReason::Cancelled);
  EXPECT_EQ(result->tokens.size(), 3u);

  auto refuse = [count = 0](int32_t, std::string_view) mutable { return ++count < 2; };
  auto refused = generate(*session, requestFor({1}, 20), refuse);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->finishReason, FinishReason::Cancelled);
  EXPECT_EQ(refused->tokens.size(), 2u);
  EXPECT_EQ(session->kvCache().pagesInUse(), 0);
}

TEST(Generate, NanIsAnErrorThatNamesTheStep) {
  auto session = makeSession(makeFakeModel({.nanFrom = 5}));
  auto result = generate(*session, requestFor({1, 2, 3}, 20));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the model produced NaN logits at step 3");
  EXPECT_EQ(session->kvCache().pagesInUse(), 0);
}

TEST(Generate, SamplingDoesNotDependOnThreads) {
  GenerateRequest request = requestFor(promptOf(9), 30);
  request.sampling.sample = true;
  request.sampling.temperature = 3;
  request.sampling.seed = 99;
  std::vector<int32_t> first;
  for (int threads : {1, 2, 4}) {
    auto session = makeSession(makeFakeModel(), threads);
    auto result = generate(*session, request);
    ASSERT_TRUE(result);
    if (first.empty())
      first = result->tokens;
    EXPECT_EQ(result->tokens, first);
  }
  auto session = makeSession(makeFakeModel());
  request.sampling.seed = 100;
  EXPECT_NE(generate(*session, request)->tokens, first);
}

TEST(Generate, Logprobs) {
  auto session = makeSession(makeFakeModel());
  GenerateRequest request = requestFor({1, 2}, 5);
  request.logprobs = 3;
  auto result = generate(*session, request);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->logprobs.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(result->logprobs[i].chosen.token, result->tokens[i]);
    ASSERT_EQ(result->logprobs[i].top.size(), 3u);
    EXPECT_EQ(result->logprobs[i].top[0].token, result->tokens[i]);
  }
}

TEST(Generate, CacheTooSmallIsAResourceError) {
  auto session = Session::create(makeFakeModel(), {1, false, 8}).value();
  auto result = generate(*session, requestFor({1, 2, 3}, 30));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Resources);
  EXPECT_EQ(session->kvCache().pagesInUse(), 0);
}

/// Several requests in one step give what each gives alone.
TEST(Generate, RequestsShareSteps) {
  auto session = Session::create(makeFakeModel({.maxTokens = 16}), {2, false, 400}).value();
  std::vector<std::unique_ptr<Generation>> running;
  std::vector<std::vector<int32_t>> expected;
  for (size_t i = 0; i < 4; ++i) {
    auto prompt = promptOf(3 + 5 * i);
    expected.push_back(fakeContinuation(prompt, 6 + 3 * i));
    auto generation = Generation::create(*session, requestFor(prompt, static_cast<int64_t>(6 + 3 * i)), {});
    ASSERT_TRUE(generation);
    running.push_back(*std::move(generation));
  }
  std::vector<float> rows(4 * session->outputColumns());
  StepBatch batch;
  for (int step = 0; step < 100; ++step) {
    batch.clear();
    std::vector<std::pair<Generation *, int64_t>> waiting;
    for (auto &generation : running)
      if (!generation->finished() && batch.tokenCount() + 4 <= session->maxStepTokens())
        waiting.emplace_back(generation.get(), generation->contribute(batch, 4).value());
    if (waiting.empty())
      break;
    session->run(batch, rows);
    int64_t next = 0;
    for (auto [generation, count] : waiting) {
      if (count)
        ASSERT_TRUE(generation->consume(std::span(rows).subspan(next * FakeVocabulary, FakeVocabulary)));
      next += count;
    }
  }
  for (size_t i = 0; i < running.size(); ++i)
    EXPECT_EQ(running[i]->takeResult().tokens, expected[i]);
}

TEST(Session, ThreadCountIsChecked) {
  auto model = makeFakeModel();
  EXPECT_EQ(Session::create(model, {-1, false, 0}).error().kind, ErrorKind::Usage);
  EXPECT_EQ(Session::create(model, {65, false, 0}).error().kind, ErrorKind::Usage);
  EXPECT_GE(Session::create(model, {}).value()->team().size(), 1);
}

TEST(EvaluateLogits, AllRowsInChunks) {
  auto session = makeSession(makeFakeModel());
  auto tokens = promptOf(21);
  std::vector<int32_t> best(tokens.size(), -1);
  ASSERT_TRUE(evaluateLogits(*session, tokens, 0, [&](int64_t row, std::span<const float> logits) -> Status {
    best[row] = argmax(logits);
    return {};
  }));
  for (size_t i = 0; i < tokens.size(); ++i)
    EXPECT_EQ(best[i], fakeNext(std::span(tokens).first(i + 1)));
  EXPECT_EQ(yokeFakeCalls, 3);
  EXPECT_EQ(evaluateLogits(*session, promptOf(65), 0, {}).error().kind, ErrorKind::Malformed);
  EXPECT_EQ(session->kvCache().pagesInUse(), 0);
}

TEST(EvaluatePerplexity, SlidingWindowsScoreEveryTokenOnce) {
  auto session = makeSession(makeFakeModel());
  auto tokens = promptOf(150);
  for (auto [window, stride] : {std::pair<int64_t, int64_t>{16, 8}, {16, 15}, {64, 32}, {10, 3}, {2, 1}}) {
    double expected = 0;
    std::vector<int> scoredBy(tokens.size());
    int64_t scored = 1;
    for (int64_t begin = 0; scored < 150; begin += stride) {
      int64_t end = std::min<int64_t>(begin + window, 150);
      ASSERT_TRUE(evaluateLogits(*session, std::span(tokens).subspan(begin, end - begin), 0,
                                 [&](int64_t row, std::span<const float> logits) -> Status {
                                   int64_t next = begin + row + 1;
                                   if (next >= scored && next < end) {
                                     expected += logSumExp(logits) - logits[tokens[next]];
                                     ++scoredBy[next];
                                   }
                                   return {};
                                 }));
      scored = end;
    }
    auto result = evaluatePerplexity(*session, tokens, {window, stride, nullptr, {}});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->scoredTokens, 149);
    EXPECT_NEAR(result->nats, expected, 1e-9 * expected);
    for (size_t i = 1; i < scoredBy.size(); ++i)
      EXPECT_EQ(scoredBy[i], 1);
  }
  EXPECT_FALSE(evaluatePerplexity(*session, tokens, {65, 1, nullptr, {}}));
  EXPECT_FALSE(evaluatePerplexity(*session, tokens, {16, 16, nullptr, {}}));
  EXPECT_FALSE(evaluatePerplexity(*session, promptOf(1), {}));
}

TEST(Embed, BatchesTexts) {
  auto session = makeSession(test::makeFakeEncoder(10, 10));
  std::vector<std::vector<int32_t>> texts = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9}, {10, 11}, promptOf(10), {1}};
  auto rows = embed(*session, texts);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2 * texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    float sum = 0;
    for (int32_t token : texts[i])
      sum += static_cast<float>(token);
    EXPECT_EQ((*rows)[2 * i], sum);
    EXPECT_EQ((*rows)[2 * i + 1], static_cast<float>(texts[i].size()));
  }
  EXPECT_LE(yokeFakeLargestStep, 10);
  EXPECT_EQ(embed(*session, std::vector<std::vector<int32_t>>{promptOf(11)}).error().kind, ErrorKind::Malformed);
  EXPECT_EQ(embed(*session, std::vector<std::vector<int32_t>>{{}}).error().kind, ErrorKind::Malformed);
}

} // namespace
} // namespace yoke
