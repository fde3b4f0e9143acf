// The decoding loop with guesses against the loop without, on the fake model, whose next token depends on all before.
#include "../Runtime/FakeModel.h"
#include "runtime/Generator.h"
#include "runtime/Speculation/CreateSpeculation.h"
#include "runtime/Speculation/Parity.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace yoke {
namespace {

using test::fakeContinuation;
using test::FakeOptions;
using test::makeFakeModel;

std::vector<int32_t> promptOf(size_t length) {
  std::vector<int32_t> prompt;
  for (size_t i = 0; i < length; ++i)
    prompt.push_back(static_cast<int32_t>((i * 13 + 5) % FakeVocabulary));
  return prompt;
}

/// Proposes random trees, with the true continuation in them up to a random depth.
class Oracle : public Drafter {
public:
  Oracle(std::mt19937 &random, std::vector<int32_t> truth) : random(random), truth(std::move(truth)) {}

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override {
    int32_t node = 0;
    const auto known = static_cast<int32_t>(random() % (limits.depth + 1));
    for (int32_t i = 0; i < known && history.size() + i < truth.size() && tree.size() <= limits.nodes; ++i)
      node = tree.add(node, truth[history.size() + i], 0, 0.9f);
    while (tree.size() <= limits.nodes) {
      const auto parent = static_cast<int32_t>(random() % tree.size());
      if (tree[parent].depth < limits.depth)
        tree.add(parent, static_cast<int32_t>(random() % FakeVocabulary), 0, static_cast<float>(random() % 100) / 100);
    }
  }

private:
  std::mt19937 &random;
  std::vector<int32_t> truth;
};

CostModel freeRows() { return CostModel({{1, 1.0}, {64, 1.0}}); }

std::unique_ptr<Speculation> withDrafter(Speculation::Options options, Speculation::MakeDrafters make) {
  auto acceptance = std::make_unique<AcceptanceModel>();
  acceptance->addKinds({0.5f});
  return std::make_unique<Speculation>(options, freeRows(), std::move(acceptance), std::move(make));
}

std::unique_ptr<Speculation> withOracle(std::mt19937 &random, std::vector<int32_t> truth, bool sized = false) {
  return withDrafter({8, sized}, [&random, truth](const DraftRequest &) {
    Drafters drafters;
    drafters.push_back(std::make_unique<Oracle>(random, truth));
    return drafters;
  });
}

GenerateRequest requestFor(std::vector<int32_t> prompt, int64_t maxNewTokens) {
  GenerateRequest request;
  request.prompt = std::move(prompt);
  request.maxNewTokens = maxNewTokens;
  return request;
}

std::vector<int32_t> joined(std::vector<int32_t> prompt, const std::vector<int32_t> &rest) {
  prompt.insert(prompt.end(), rest.begin(), rest.end());
  return prompt;
}

void expectSame(const GenerateResult &found, const GenerateResult &plain) {
  EXPECT_EQ(found.tokens, plain.tokens);
  EXPECT_EQ(found.text, plain.text);
  EXPECT_EQ(found.finishReason, plain.finishReason);
  ASSERT_EQ(found.logprobs.size(), plain.logprobs.size());
  for (size_t i = 0; i < found.logprobs.size(); ++i)
    EXPECT_EQ(found.logprobs[i].chosen.logprob, plain.logprobs[i].chosen.logprob);
}

TEST(Speculation, RandomTreesChangeNothing) {
  std::mt19937 random(11);
  for (int threads : {1, 2}) {
    auto session = Session::create(makeFakeModel(), {threads, false, 0}).value();
    for (int run = 0; run < 500; ++run) {
      const auto prompt = promptOf(1 + random() % 40);
      GenerateRequest request = requestFor(prompt, static_cast<int64_t>(random() % 24));
      request.logprobs = 1;
      const auto truth = joined(prompt, fakeContinuation(prompt, 40));
      auto speculation = withOracle(random, truth, run % 2);
      auto plain = generate(*session, request);
      auto found = generate(*session, request, {}, nullptr, speculation.get());
      ASSERT_TRUE(plain);
      ASSERT_TRUE(found) << found.error().message;
      expectSame(*found, *plain);
      ASSERT_EQ(session->kvCache().pagesInUse(), 0);
      ASSERT_LE(yokeFakeLargestStep, 8);
    }
  }
}

TEST(Speculation, SavesCalls) {
  std::mt19937 random(1);
  auto session = Session::create(makeFakeModel(), {1, false, 0}).value();
  const auto prompt = promptOf(5);
  auto speculation = withOracle(random, joined(prompt, fakeContinuation(prompt, 60)));
  auto found = generate(*session, requestFor(prompt, 48), {}, nullptr, speculation.get());
  ASSERT_TRUE(found && found->stats.speculation);
  const SpeculationStats &stats = *found->stats.speculation;
  EXPECT_GT(found->stats.tokensPerCall(), 2);
  EXPECT_LT(found->stats.modelCalls, 25);
  int64_t steps = 0, accepted = 0;
  for (size_t i = 0; i < stats.histogram.size(); ++i) {
    steps += stats.histogram[i];
    accepted += stats.histogram[i] * static_cast<int64_t>(i);
  }
  EXPECT_EQ(steps + 1, found->stats.modelCalls);
  EXPECT_EQ(accepted, stats.accepted);
  EXPECT_EQ(steps + accepted + 1, 48) << "the first token comes from the prompt's step";
}

TEST(Speculation, EndTokenInsideADraft) {
  std::mt19937 random(5);
  const auto prompt = promptOf(6);
  const auto expected = fakeContinuation(prompt, 30);
  for (size_t end = 0; end < 12; ++end) {
    FakeOptions options;
    options.endTokens = {expected[end]};
    auto session = Session::create(makeFakeModel(options), {1, false, 0}).value();
    for (bool ignore : {false, true}) {
      GenerateRequest request = requestFor(prompt, 20);
      request.ignoreEndTokens = ignore;
      auto plain = generate(*session, request);
      for (int run = 0; run < 10; ++run) {
        auto speculation = withOracle(random, joined(prompt, expected));
        auto found = generate(*session, request, {}, nullptr, speculation.get());
        ASSERT_TRUE(found);
        expectSame(*found, *plain);
      }
    }
  }
}

TEST(Speculation, NeverBeyondTheLimits) {
  std::mt19937 random(6);
  for (int64_t positions : {8, 9, 12, 24}) {
    auto session = Session::create(makeFakeModel({.maxPositions = positions}), {1, false, 0}).value();
    for (int64_t length = 1; length < positions; ++length)
      for (int64_t count : {1, 2, 3, 100}) {
        const auto prompt = promptOf(length);
        auto speculation = withOracle(random, joined(prompt, fakeContinuation(prompt, 60)));
        auto found = generate(*session, requestFor(prompt, count), {}, nullptr, speculation.get());
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(found->tokens, fakeContinuation(prompt, std::min(count, positions - length)));
        EXPECT_EQ(found->finishReason, FinishReason::Length);
      }
  }
}

TEST(Speculation, CallbackSeesEachTokenAndMayStop) {
  std::mt19937 random(8);
  auto session = Session::create(makeFakeModel(), {1, false, 0}).value();
  const auto prompt = promptOf(4);
  const auto expected = fakeContinuation(prompt, 20);
  for (size_t stop = 1; stop < 12; ++stop) {
    auto speculation = withOracle(random, joined(prompt, expected));
    std::vector<int32_t> seen;
    auto onToken = [&](int32_t token, std::string_view) {
      if (token >= 0)
        seen.push_back(token);
      return seen.size() < stop;
    };
    auto found = generate(*session, requestFor(prompt, 20), onToken, nullptr, speculation.get());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->finishReason, FinishReason::Cancelled);
    EXPECT_EQ(seen, std::vector<int32_t>(expected.begin(), expected.begin() + static_cast<int64_t>(stop)));
  }
}

TEST(Speculation, StopStringsAcrossADraft) {
  std::mt19937 random(9);
  const std::string path = testing::TempDir() + "stop.yoke";
  ASSERT_TRUE(test::writeFakePackage(path, {}));
  auto model = Model::open(path);
  ASSERT_TRUE(model) << model.error().message;
  auto session = Session::create(*model, {1, false, 0}).value();
  const auto prompt = promptOf(6);
  const auto text = generate(*session, requestFor(prompt, 20))->text;
  for (size_t at = 0; at + 3 < text.size(); ++at) {
    GenerateRequest request = requestFor(prompt, 20);
    request.stopStrings = {text.substr(at, 3)};
    auto plain = generate(*session, request);
    auto speculation = withOracle(random, joined(prompt, fakeContinuation(prompt, 30)));
    std::string streamed;
    auto onToken = [&](int32_t, std::string_view piece) {
      streamed += piece;
      return true;
    };
    auto found = generate(*session, request, onToken, nullptr, speculation.get());
    ASSERT_TRUE(found);
    expectSame(*found, *plain);
    EXPECT_EQ(found->finishReason, FinishReason::Stop);
    EXPECT_EQ(streamed, plain->text);
  }
}

TEST(Speculation, SamplingWithPenaltiesIsTheSameDraws) {
  std::mt19937 random(10);
  auto session = Session::create(makeFakeModel(), {1, false, 0}).value();
  for (uint64_t seed = 0; seed < 100; ++seed) {
    GenerateRequest request = requestFor(promptOf(1 + seed % 9), 30);
    request.sampling.sample = true;
    request.sampling.seed = seed;
    request.sampling.temperature = 0.8f + 0.1f * static_cast<float>(seed % 5);
    request.sampling.topP = seed % 3 ? 0.9f : 1.0f;
    request.sampling.repetitionPenalty = seed % 4 ? 1.2f : 1.0f;
    request.sampling.noRepeatNgram = seed % 5 ? 0 : 2;
    auto plain = generate(*session, request);
    ASSERT_TRUE(plain);
    auto speculation = withOracle(random, joined(request.prompt, plain->tokens));
    auto found = generate(*session, request, {}, nullptr, speculation.get());
    ASSERT_TRUE(found);
    expectSame(*found, *plain);
    EXPECT_GT(found->stats.speculation->accepted, 0);
  }
}

/// First two sampled tokens with guesses against the probabilities without: Pearson's statistic of 100 cells.
TEST(Speculation, SampledDistributionIsTheModels) {
  std::mt19937 random(12);
  auto session = Session::create(makeFakeModel(), {1, false, 0}).value();
  const auto prompt = promptOf(3);
  GenerateRequest request = requestFor(prompt, 2);
  request.sampling.sample = true;
  request.sampling.topK = 10;
  std::map<std::vector<int32_t>, double> plain, guessed;
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    request.sampling.seed = 2 * i;
    ++plain[generate(*session, request)->tokens];
    request.sampling.seed = 2 * i + 1; // independent draws
    auto speculation = withOracle(random, joined(prompt, {static_cast<int32_t>(random() % FakeVocabulary)}));
    ++guessed[generate(*session, request, {}, nullptr, speculation.get())->tokens];
  }
  double statistic = 0;
  int cells = 0;
  for (const auto &[tokens, count] : plain) {
    const double other = guessed[tokens];
    statistic += (count - other) * (count - other) / (count + other);
    ++cells;
  }
  EXPECT_EQ(cells, static_cast<int>(guessed.size()));
  EXPECT_GE(cells, 50);
  // Mean cells - 1, standard deviation sqrt(2 (cells - 1)): four deviations.
  EXPECT_LT(statistic, cells - 1 + 4 * std::sqrt(2.0 * (cells - 1)));
}

TEST(Speculation, NanOfAGuessIsNotNanOfTheText) {
  // Positions from 12 on are NaN: only guesses reach them before the text does.
  std::mt19937 random(13);
  auto session = Session::create(makeFakeModel({.nanFrom = 12}), {1, false, 0}).value();
  const auto prompt = promptOf(6);
  auto plain = generate(*session, requestFor(prompt, 6));
  ASSERT_TRUE(plain);
  for (int run = 0; run < 20; ++run) {
    auto speculation = withOracle(random, joined(prompt, fakeContinuation(prompt, 20)));
    auto found = generate(*session, requestFor(prompt, 6), {}, nullptr, speculation.get());
    ASSERT_TRUE(found) << found.error().message;
    expectSame(*found, *plain);
    auto longer = generate(*session, requestFor(prompt, 20), {}, nullptr, speculation.get());
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().message, "the model produced NaN logits at step 7");
  }
}

TEST(Speculation, ASmallCacheLeavesNoRoomForGuesses) {
  std::mt19937 random(14);
  // Room for the text itself and nothing else.
  auto session = Session::create(makeFakeModel(), {1, false, 16}).value();
  const auto prompt = promptOf(6);
  auto speculation = withOracle(random, joined(prompt, fakeContinuation(prompt, 20)));
  auto found = generate(*session, requestFor(prompt, 11), {}, nullptr, speculation.get());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->tokens, fakeContinuation(prompt, 11));
}

/// Guesses that are always wrong, on a machine where rows cost something.
class Wrong : public Drafter {
public:
  explicit Wrong(int64_t &drafts) : drafts(drafts) {}
  void draft(std::span<const int32_t> history, const DraftLimits &, DraftTree &tree) override {
    ++drafts;
    std::vector<int32_t> text(history.begin(), history.end());
    tree.add(0, (test::fakeNext(text) + 1) % FakeVocabulary, 0, 0.9f);
  }

private:
  int64_t &drafts;
};

TEST(Speculation, WrongGuessesAreSoonGivenUp) {
  int64_t drafts = 0;
  auto acceptance = std::make_unique<AcceptanceModel>();
  acceptance->addKinds({0.9f});
  Speculation speculation({8, true}, CostModel({{1, 1.0}, {2, 1.9}, {64, 64.0}}), std::move(acceptance),
                          [&](const DraftRequest &) {
                            Drafters drafters;
                            drafters.push_back(std::make_unique<Wrong>(drafts));
                            return drafters;
                          });
  auto session = Session::create(makeFakeModel({.maxPositions = 2048}), {1, false, 0}).value();
  auto found = generate(*session, requestFor({1}, 2000), {}, nullptr, &speculation);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tokens, fakeContinuation({1}, 2000));
  EXPECT_LT(found->stats.speculation->guesses, 100);
  EXPECT_LT(drafts, 600);
}

TEST(Speculation, EveryDrafterIsLossless) {
  auto model = makeFakeModel({.maxTokens = 16, .maxPositions = 256});
  model->path = testing::TempDir() + "every.yoke";
  auto session = Session::create(model, {1, false, 0}).value();
  for (const char *text :
       {"prompt-lookup", "ngram", "token-recycling:state=none", "aded", "aded:search=mcts", "auto:state=none"})
    for (const char *size : {"full", "auto"}) {
      const std::string name = std::string(text) + (std::string_view(text).find(':') == std::string::npos ? ":" : ",");
      auto spec = DecodeSpec::parse(name + "size=" + size);
      ASSERT_TRUE(spec) << spec.error().message;
      auto speculation = createSpeculation(*session, *spec);
      ASSERT_TRUE(speculation) << speculation.error().message;
      for (int run = 0; run < 20; ++run) {
        // Texts that repeat themselves.
        std::vector<int32_t> prompt;
        for (int i = 0; i < 60; ++i)
          prompt.push_back(i % (3 + run) * 7 % FakeVocabulary);
        auto found = generate(*session, requestFor(prompt, 80), {}, nullptr, speculation->get());
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(found->tokens, fakeContinuation(prompt, 80)) << text;
      }
      EXPECT_TRUE((*speculation)->save());
    }
}

/// The fake model drafting for itself: every guess is right, when sampling too.
TEST(Speculation, ADraftModelOfTheSameMindIsAlwaysRight) {
  const std::string path = testing::TempDir() + "draft.yoke";
  ASSERT_TRUE(test::writeFakePackage(path, {.maxPositions = 256}));
  auto session = Session::create(makeFakeModel({.maxTokens = 16, .maxPositions = 256}), {1, false, 0}).value();
  auto speculation = createSpeculation(*session, *DecodeSpec::parse("model:" + path));
  ASSERT_TRUE(speculation) << speculation.error().message;
  for (bool sample : {false, true}) {
    GenerateRequest request = requestFor(promptOf(20), 100);
    request.sampling.sample = sample;
    request.sampling.seed = 77;
    auto plain = generate(*session, request);
    auto found = generate(*session, request, {}, nullptr, speculation->get());
    ASSERT_TRUE(found) << found.error().message;
    expectSame(*found, *plain);
    EXPECT_EQ(found->stats.speculation->accepted, found->stats.speculation->guesses);
  }
}

TEST(Speculation, DraftModelsOfAnotherVocabularyAreRefused) {
  auto session = Session::create(makeFakeModel(), {1, false, 0}).value();
  const std::string path = testing::TempDir() + "other.yoke";
  Manifest manifest = test::fakeManifest({});
  manifest.vocabSize = manifest.step.outputColumns = 98;
  ASSERT_TRUE(test::writeFakePackage(path, {}, "{}", manifest));
  auto refused = createSpeculation(*session, *DecodeSpec::parse("model:" + path));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Malformed);
  EXPECT_EQ(refused.error().message,
            path + ": has 98 tokens, but fake.yoke has 97: a draft model needs the same vocabulary");
  auto missing = createSpeculation(*session, *DecodeSpec::parse("model:" + path + ".missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::Malformed);
}

TEST(Speculation, NanOfADraftModelEndsTheDraft) {
  const std::string path = testing::TempDir() + "nan.yoke";
  ASSERT_TRUE(test::writeFakePackage(path, {.maxPositions = 64, .nanFrom = 10}));
  auto session = Session::create(makeFakeModel(), {1, false, 0}).value();
  auto speculation = createSpeculation(*session, *DecodeSpec::parse("model:" + path));
  ASSERT_TRUE(speculation) << speculation.error().message;
  auto found = generate(*session, requestFor(promptOf(4), 40), {}, nullptr, speculation->get());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->tokens, fakeContinuation(promptOf(4), 40));
}

TEST(CostModel, MeasuresWithinTheModelsLimits) {
  for (int64_t positions : {1, 5, 64, 300})
    for (int64_t steps : {1, 3, 64})
      for (int64_t context : {int64_t(0), int64_t(40), int64_t(100000)})
        for (int64_t kvTokens : {0, 4, 33}) {
          auto model = makeFakeModel({.maxTokens = steps, .maxPositions = positions});
          auto session = Session::create(model, {1, false, kvTokens}).value();
          auto cost = CostModel::measure(*session, 64, 0.001, context);
          ASSERT_TRUE(cost) << cost.error().message;
          EXPECT_EQ(cost->points().front().rows, 1);
          EXPECT_LE(cost->points().back().rows, std::min(positions, steps));
          EXPECT_LE(yokeFakeLargestStep, std::min(positions, steps));
          EXPECT_GT(cost->plainSeconds(), 0);
          EXPECT_EQ(session->kvCache().pagesInUse(), 0);
        }
}

TEST(Parity, OfASoundModelHolds) {
  auto session = Session::create(makeFakeModel({.maxTokens = 32, .maxPositions = 128}), {2, false, 0}).value();
  const auto prompts = parityPrompts(*session);
  auto result = checkParity(*session, prompts, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->prompts, static_cast<int64_t>(prompts.size()));
  EXPECT_GT(result->accepted, 100);
  EXPECT_GT(result->guesses, 10 * result->steps);
}

/// A step whose rows depend, in the last bit, on how many rows it computes.
void unsoundStep(YokeMemRef1 *weights, YokeMemRef1 *arena, YokeMemRef1 *kv, YokeMemRef1 *tokens, YokeMemRef1 *positions,
                 YokeMemRef1 *slots, YokeMemRef1 *limits, YokeMemRef1 *sequences, YokeMemRef1 *parents,
                 YokeMemRef1 *outputs, YokeMemRef1 *blocks, int64_t stride, YokeMemRef1 *result, int64_t thread,
                 int64_t threads, void *context, YokeBarrier barrier) {
  _mlir_ciface_yoke_step(weights, arena, kv, tokens, positions, slots, limits, sequences, parents, outputs, blocks,
                         stride, result, thread, threads, context, barrier);
  if (thread == 0 && outputs->size >= 4)
    static_cast<float *>(result->aligned)[0] += 0x1p-20f;
}

TEST(Parity, FindsTheLastBit) {
  auto model = makeFakeModel({.maxTokens = 32, .maxPositions = 128});
  model->step = unsoundStep;
  auto session = Session::create(model, {1, false, 0}).value();
  auto result = checkParity(*session, parityPrompts(*session), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::Failed);
  EXPECT_NE(result.error().message.find("the logits differ"), std::string::npos) << result.error().message;
}

} // namespace
} // namespace yoke
