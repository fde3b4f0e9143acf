#include "runtime/Beam/BeamGroup.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

using namespace yoke;

namespace {

constexpr int32_t vocabulary = 5, end = 0;

/// Log-probabilities that depend on the text so far.
std::vector<float> rowOf(const std::vector<int32_t> &tokens, uint32_t seed) {
  for (int32_t token : tokens)
    seed = seed * 1664525U + 1013904223U + static_cast<uint32_t>(token);
  std::mt19937 random(seed);
  std::normal_distribution<float> logits(0, 2);
  std::vector<float> row(vocabulary);
  double sum = 0;
  for (float &value : row)
    sum += std::exp(static_cast<double>(value = logits(random)));
  for (float &value : row)
    value -= static_cast<float>(std::log(sum));
  return row;
}

std::vector<Hypothesis> search(int32_t width, BeamOptions options, int64_t maxTokens, uint32_t seed) {
  options.width = width;
  BeamGroup group(width, options, {end}, maxTokens);
  while (!group.done()) {
    std::vector<std::vector<float>> rows;
    for (const Beam &beam : group.beams())
      rows.push_back(rowOf(beam.tokens, seed));
    group.advance(std::vector<std::span<const float>>(rows.begin(), rows.end()));
  }
  return group.finished();
}

/// All texts that end, or have `maxTokens` tokens, with their scores.
void enumerate(std::vector<int32_t> &tokens, double score, int64_t maxTokens, double lengthPenalty, uint32_t seed,
               std::map<std::vector<int32_t>, double> &all) {
  std::vector<float> row = rowOf(tokens, seed);
  for (int32_t token = 0; token < vocabulary; ++token) {
    tokens.push_back(token);
    double sum = score + static_cast<double>(row[static_cast<size_t>(token)]);
    auto length = static_cast<int64_t>(tokens.size());
    if (token == end || length == maxTokens)
      all[tokens] = sum / std::pow(static_cast<double>(length), lengthPenalty);
    else
      enumerate(tokens, sum, maxTokens, lengthPenalty, seed, all);
    tokens.pop_back();
  }
}

} // namespace

TEST(BeamGroup, WideBeamsFindTheBestTextOfAll) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::map<std::vector<int32_t>, double> all;
    std::vector<int32_t> tokens;
    enumerate(tokens, 0, 4, 1.0, seed, all);
    double best = -INFINITY;
    for (const auto &[text, score] : all)
      best = std::max(best, score);
    std::vector<Hypothesis> found = search(256, {}, 4, seed);
    ASSERT_FALSE(found.empty());
    EXPECT_NEAR(found.front().score, best, 1e-9);
  }
}

TEST(BeamGroup, FinishedTextsAreTextsWithTheirScoresInOrder) {
  for (uint32_t seed = 0; seed < 50; ++seed)
    for (int32_t width : {1, 2, 3, 7}) {
      std::map<std::vector<int32_t>, double> all;
      std::vector<int32_t> tokens;
      BeamOptions options;
      options.lengthPenalty = 0.7;
      options.earlyStopping = seed % 2;
      enumerate(tokens, 0, 5, options.lengthPenalty, seed, all);
      std::vector<Hypothesis> found = search(width, options, 5, seed);
      ASSERT_FALSE(found.empty());
      EXPECT_LE(found.size(), static_cast<size_t>(width));
      std::set<std::vector<int32_t>> seen;
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_TRUE(all.contains(found[i].tokens));
        EXPECT_NEAR(found[i].score, all[found[i].tokens], 1e-9);
        EXPECT_TRUE(seen.insert(found[i].tokens).second);
        if (i)
          EXPECT_LE(found[i].score, found[i - 1].score);
      }
    }
}

TEST(BeamGroup, NoTokensMeansNothingToDo) {
  BeamGroup group(3, {}, {end}, 0);
  EXPECT_TRUE(group.done());
  EXPECT_TRUE(group.finished().empty());
}

TEST(BeamGroup, ImpossibleTokensAreNotChosen) {
  BeamGroup group(4, {}, {end}, 2);
  const std::vector<float> row = {-INFINITY, -0.1F, -INFINITY, -3.0F, -INFINITY};
  while (!group.done()) {
    std::vector<std::span<const float>> rows(group.beams().size(), row);
    group.advance(rows);
  }
  EXPECT_EQ(group.finished().size(), 4U);
  for (const Hypothesis &hypothesis : group.finished())
    for (int32_t token : hypothesis.tokens)
      EXPECT_TRUE(token == 1 || token == 3);
}

TEST(BeamGroup, StopsWhereNothingIsPossible) {
  BeamGroup group(2, {}, {}, 5);
  const std::vector<float> row(vocabulary, -INFINITY);
  group.advance(std::vector<std::span<const float>>{row});
  EXPECT_TRUE(group.done());
}
