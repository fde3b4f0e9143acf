#include "runtime/Sampler.h"
#include "Support/File.h"
#include "Support/Json.h"
#include "runtime/GenerationConfig.h"
#include "runtime/LogitProcessors.h"
#include "runtime/Philox.h"

#include <cmath>
#include <gtest/gtest.h>

namespace yoke {
namespace {

std::vector<int32_t> ints(const Json &json) { return json.get<std::vector<int32_t>>(); }

/// The scores that are left for the choice, -inf for what is excluded.
std::vector<float> processed(std::vector<float> logits, std::span<const int32_t> history, int64_t promptLength,
                             const SamplingOptions &options, std::span<const int32_t> endTokens) {
  processLogits(logits, history, promptLength, options, endTokens);
  if (!options.sample)
    return logits;
  Candidates candidates = Candidates::fromDense(logits);
  warp(candidates, options);
  std::vector<float> dense(logits.size(), -INFINITY);
  for (size_t i = 0; i < candidates.size(); ++i)
    dense[candidates.tokens[i]] = candidates.logits[i];
  return dense;
}

TEST(LogitProcessors, AgreeWithTransformers) {
  std::string path = YOKE_SOURCE_DIR "/test/unit/Runtime/sampler_golden.json";
  auto text = readFile(path, 1 << 20);
  ASSERT_TRUE(text);
  Json golden = Json::parse(*text);
  std::vector<int32_t> endTokens = ints(golden["eos"]);
  ASSERT_GT(golden["cases"].size(), 50u);
  for (const Json &c : golden["cases"]) {
    SCOPED_TRACE(c["settings"].dump() + " prompt " + c["prompt"].dump() + " generated " + c["generated"].dump());
    std::vector<float> logits = c["logits"].get<std::vector<float>>();
    Json settings = c["settings"];
    if (!settings.contains("top_k"))
      settings["top_k"] = 0;
    auto config = GenerationConfig::parse(settings.dump(), "golden", static_cast<int64_t>(logits.size()));
    ASSERT_TRUE(config) << config.error().message;
    auto options = resolveSampling({}, *config);
    ASSERT_TRUE(options) << options.error().message;
    std::vector<int32_t> history = ints(c["prompt"]);
    auto promptLength = static_cast<int64_t>(history.size());
    for (int32_t token : ints(c["generated"]))
      history.push_back(token);
    std::vector<float> got = processed(logits, history, promptLength, *options, endTokens);
    for (size_t i = 0; i < got.size(); ++i) {
      const Json &expected = c["expected"][i];
      if (expected.is_null())
        EXPECT_EQ(got[i], -INFINITY) << "token " << i;
      else
        EXPECT_NEAR(got[i], expected.get<float>(), 1e-5f * std::max(1.0f, std::abs(got[i]))) << "token " << i;
    }
  }
}

TEST(Philox, KnownAnswers) {
  // From the authors' distribution (Random123, kat_vectors).
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UniformIsUniform) {
  double sum = 0, least = 1, most = 0;
  for (uint64_t i = 0; i < 100000; ++i) {
    double value = philoxUniform(42, 7, i);
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
  EXPECT_GE(least, 0);
  EXPECT_LT(most, 1);
  EXPECT_NE(philoxUniform(1, 0, 0), philoxUniform(2, 0, 0));
  EXPECT_NE(philoxUniform(1, 0, 0), philoxUniform(1, 1, 0));
}

SamplingOptions sampling(uint64_t seed) {
  SamplingOptions options;
  options.sample = true;
  options.seed = seed;
  return options;
}

TEST(Sampler, GreedyTakesTheFirstOfTheBest) {
  Sampler sampler({}, {});
  std::vector<float> logits = {0, 3, -1, 3};
  EXPECT_EQ(sampler.choose(logits, {}, 0).value(), 1);
}

TEST(Sampler, FollowsTheDistribution) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), -INFINITY, std::log(0.2f)};
  std::vector<int> counts(4);
  std::vector<int32_t> history;
  Sampler sampler(sampling(123), {});
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    std::vector<float> row = logits;
    int32_t token = sampler.choose(row, history, 0).value();
    ++counts[token];
    history.push_back(token);
  }
  EXPECT_NEAR(counts[0] / double(draws), 0.5, 0.015);
  EXPECT_NEAR(counts[1] / double(draws), 0.3, 0.015);
  EXPECT_EQ(counts[2], 0);
  EXPECT_NEAR(counts[3] / double(draws), 0.2, 0.015);
}

TEST(Sampler, SameSeedSameChoice) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(philoxUniform(9, 9, i));
  std::vector<int32_t> history = {1, 2, 3};
  std::vector<float> a = logits, b = logits, c = logits;
  int32_t first = Sampler(sampling(5), {}).choose(a, history, 1).value();
  EXPECT_EQ(Sampler(sampling(5), {}).choose(b, history, 1).value(), first);
  EXPECT_NE(Sampler(sampling(6), {}).choose(c, history, 1).value(), first);
}

TEST(Sampler, NanIsAnError) {
  for (bool sample : {false, true}) {
    SamplingOptions options;
    options.sample = sample;
    std::vector<float> logits = {0, NAN, 1};
    std::vector<int32_t> history = {4, 5, 6};
    auto result = Sampler(options, {}).choose(logits, history, 1);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Failed);
    EXPECT_EQ(result.error().message, "the model produced NaN logits at step 2");
  }
}

TEST(Sampler, InfiniteLogits) {
  for (bool sample : {false, true}) {
    SamplingOptions options;
    options.sample = sample;
    std::vector<float> some = {0, INFINITY, 1};
    EXPECT_EQ(Sampler(options, {}).choose(some, {}, 0).value(), 1);
    std::vector<float> none(3, -INFINITY);
    EXPECT_FALSE(Sampler(options, {}).choose(none, {}, 0));
  }
}

TEST(Logprobs, SumToOneAndDescend) {
  std::vector<float> logits = {1, 5, 3, 3, -2};
  PositionLogprobs result = logprobsOf(logits, 0, 5);
  ASSERT_EQ(result.top.size(), 5u);
  double sum = 0;
  for (size_t i = 0; i < result.top.size(); ++i) {
    sum += std::exp(result.top[i].logprob);
    if (i)
      EXPECT_LE(result.top[i].logprob, result.top[i - 1].logprob);
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(result.top[1].token, 2);
  EXPECT_EQ(result.top[2].token, 3);
  EXPECT_FLOAT_EQ(result.chosen.logprob, result.top[3].logprob);
  EXPECT_TRUE(logprobsOf(logits, 0, 0).top.empty());
}

GenerationConfig parsed(const char *json) {
  auto config = GenerationConfig::parse(json, "generation_config.json", 100);
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(GenerationConfig());
}

TEST(GenerationConfig, Precedence) {
  GenerationConfig file = parsed(R"({"do_sample": true, "temperature": 0.6, "top_k": 20, "max_new_tokens": 7})");
  SamplingOptions options = resolveSampling({}, file).value();
  EXPECT_TRUE(options.sample);
  EXPECT_FLOAT_EQ(options.temperature, 0.6f);
  EXPECT_EQ(options.topK, 20);
  GenerationSettings user;
  user.temperature = 0;
  EXPECT_FALSE(resolveSampling(user, file).value().sample);
  user.temperature = 1.5;
  EXPECT_FLOAT_EQ(resolveSampling(user, file).value().temperature, 1.5f);
  EXPECT_EQ(resolveSampling(user, file).value().topK, 20);
  EXPECT_EQ(resolveMaxNewTokens({}, file, 5), 7);
  user.maxNewTokens = 3;
  EXPECT_EQ(resolveMaxNewTokens(user, file, 5), 3);
}

TEST(GenerationConfig, GreedyUnlessAsked) {
  GenerationConfig file = parsed(R"({"temperature": 0.6, "top_p": 0.9})");
  EXPECT_FALSE(resolveSampling({}, file).value().sample);
  GenerationSettings user;
  user.temperature = 0.5;
  SamplingOptions options = resolveSampling(user, file).value();
  EXPECT_TRUE(options.sample);
  EXPECT_FLOAT_EQ(options.topP, 0.9f);
  EXPECT_EQ(options.topK, 50);
  EXPECT_EQ(resolveMaxNewTokens({}, {}, 5), defaultMaxNewTokens);
  EXPECT_EQ(resolveMaxNewTokens({}, parsed(R"({"max_length": 20})"), 5), 15);
}

TEST(GenerationConfig, EndTokensAndUnknownFields) {
  EXPECT_FALSE(parsed(R"({"eos_token_id": null, "no_such_field": [1]})").endTokens);
  EXPECT_EQ(*parsed(R"({"eos_token_id": 3})").endTokens, std::vector<int32_t>{3});
  EXPECT_EQ(*parsed(R"({"eos_token_id": [3, 4]})").endTokens, (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(parsed(R"({"stop_strings": "x"})").stopStrings, std::vector<std::string>{"x"});
  EXPECT_EQ(parsed(R"({"num_beams": 4})").warnings.size(), 1u);
}

TEST(GenerationConfig, RefusesWrongValues) {
  for (const char *json :
       {"[]", "{", R"({"temperature": "1"})", R"({"temperature": -1})", R"({"top_k": -1})", R"({"top_k": 1.5})",
        R"({"top_p": 2})", R"({"do_sample": 1})", R"({"eos_token_id": 100})", R"({"eos_token_id": [-1]})",
        R"({"eos_token_id": "a"})", R"({"repetition_penalty": 0})", R"({"bad_words_ids": [[]]})",
        R"({"bad_words_ids": [[100]]})", R"({"sequence_bias": [[[1]]]})", R"({"max_new_tokens": -3})",
        R"({"suppress_tokens": [1e3]})", R"({"stop_strings": [1]})", R"({"top_k": 1, "top_k": 2})"}) {
    auto config = GenerationConfig::parse(json, "generation_config.json", 100);
    ASSERT_FALSE(config) << json;
    EXPECT_EQ(config.error().kind, ErrorKind::Malformed) << json;
    EXPECT_NE(config.error().message.find("generation_config.json"), std::string::npos) << json;
  }
}

TEST(GenerationConfig, RefusesSettingsOutOfRange) {
  for (double bad : {-0.1, double(NAN), double(INFINITY)}) {
    GenerationSettings user;
    user.temperature = bad;
    EXPECT_EQ(resolveSampling(user, {}).error().kind, ErrorKind::Usage);
    GenerationSettings topP;
    topP.topP = bad;
    EXPECT_FALSE(resolveSampling(topP, {}));
  }
  GenerationSettings user;
  user.repetitionPenalty = 0;
  EXPECT_FALSE(resolveSampling(user, {}));
}

} // namespace
} // namespace yoke
