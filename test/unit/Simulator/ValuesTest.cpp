// Commands that carry values: the units of a channel, and a decoder against plain float32.
#include "Helpers.h"
#include "Simulator/ValueDecoder.h"

#include <cmath>
#include <random>

using namespace yoke;
using namespace yoke::sim;

namespace {

std::vector<float> random(std::mt19937 &generator, int64_t count, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = uniform(generator);
  return values;
}

DecoderWeights randomDecoder(int64_t heads, int64_t keyHeads, int64_t headSize, int64_t layers) {
  std::mt19937 generator(5);
  DecoderWeights weights;
  ModelShape &shape = weights.shape;
  shape = {"random", heads, 64, headSize, layers};
  shape.keyHeads = keyHeads;
  shape.hidden = 96;
  shape.vocabulary = 50;
  shape.gated = shape.rotary = true;
  int64_t width = shape.width, queries = heads * headSize, keys = keyHeads * headSize;
  auto matrix = [&](int64_t out, int64_t in) { return random(generator, out * in, 1.7f / std::sqrt(float(in))); };
  auto scales = [&] {
    std::vector<float> values = random(generator, width, 0.3f);
    for (float &value : values)
      value += 1;
    return values;
  };
  weights.embedding = random(generator, shape.vocabulary * width, 1);
  weights.finalNorm = scales();
  for (int64_t i = 0; i < layers; ++i)
    weights.layers.push_back({matrix(queries, width), matrix(keys, width), matrix(keys, width), matrix(width, queries),
                              matrix(shape.hidden, width), matrix(shape.hidden, width), matrix(width, shape.hidden),
                              scales(), scales()});
  return weights;
}

/// The decoder in float32 with double sums.
class Reference {
public:
  explicit Reference(const DecoderWeights &weights)
      : w(weights), s(weights.shape), keys(w.layers.size()), values(keys) {}

  std::vector<float> step(int32_t token) {
    std::vector<float> hidden(w.embedding.begin() + token * s.width, w.embedding.begin() + (token + 1) * s.width);
    for (size_t l = 0; l < w.layers.size(); ++l) {
      const DecoderLayerWeights &layer = w.layers[l];
      std::vector<float> x = norm(hidden, layer.attentionNorm);
      std::vector<float> q = times(layer.query, x), k = times(layer.key, x);
      rotate(q);
      rotate(k);
      keys[l].push_back(k);
      values[l].push_back(times(layer.value, x));
      add(hidden, times(layer.projection, attend(l, q)));
      x = norm(hidden, layer.feedForwardNorm);
      std::vector<float> gate = times(layer.gate, x), up = times(layer.up, x);
      for (size_t i = 0; i < gate.size(); ++i)
        gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      add(hidden, times(layer.down, gate));
    }
    ++position;
    return times(w.embedding, norm(hidden, w.finalNorm));
  }

private:
  std::vector<float> times(const std::vector<float> &matrix, const std::vector<float> &x) {
    std::vector<float> result(matrix.size() / x.size());
    for (size_t out = 0; out < result.size(); ++out) {
      double sum = 0;
      for (size_t in = 0; in < x.size(); ++in)
        sum += double(matrix[out * x.size() + in]) * double(x[in]);
      result[out] = float(sum);
    }
    return result;
  }
  std::vector<float> norm(const std::vector<float> &x, const std::vector<float> &scale) {
    double squares = 0;
    for (float value : x)
      squares += double(value) * double(value);
    std::vector<float> result(x.size());
    for (size_t i = 0; i < x.size(); ++i)
      result[i] = float(double(x[i]) / std::sqrt(squares / double(x.size()) + w.epsilon)) * scale[i];
    return result;
  }
  static void add(std::vector<float> &x, const std::vector<float> &y) {
    for (size_t i = 0; i < x.size(); ++i)
      x[i] += y[i];
  }
  void rotate(std::vector<float> &x) {
    size_t half = size_t(s.headSize / 2);
    for (size_t head = 0; head < x.size(); head += 2 * half)
      for (size_t i = 0; i < half; ++i) {
        double angle = double(position) * std::pow(w.ropeTheta, -double(i) / double(half));
        double a = x[head + i], b = x[head + i + half];
        x[head + i] = float(a * std::cos(angle) - b * std::sin(angle));
        x[head + i + half] = float(b * std::cos(angle) + a * std::sin(angle));
      }
  }
  std::vector<float> attend(size_t l, const std::vector<float> &q) {
    std::vector<float> result(q.size(), 0);
    size_t size = size_t(s.headSize), shared = size_t(s.heads / s.keyHeads);
    for (size_t head = 0; head < size_t(s.heads); ++head) {
      std::vector<double> scores;
      double largest = -INFINITY, sum = 0;
      for (const std::vector<float> &k : keys[l]) {
        double score = 0;
        for (size_t i = 0; i < size; ++i)
          score += double(q[head * size + i]) * double(k[head / shared * size + i]);
        scores.push_back(score / std::sqrt(double(size)));
        largest = std::max(largest, scores.back());
      }
      for (double &score : scores)
        sum += score = std::exp(score - largest);
      for (size_t t = 0; t < scores.size(); ++t)
        for (size_t i = 0; i < size; ++i)
          result[head * size + i] += float(scores[t] / sum * double(values[l][t][head / shared * size + i]));
    }
    return result;
  }

  const DecoderWeights &w;
  const ModelShape &s;
  int64_t position = 0;
  std::vector<std::vector<std::vector<float>>> keys, values; ///< [layer][token]
};

struct Comparison {
  double worst = 0, largest = 0;
  int64_t sameChoice = 0;
};

/// Decodes `tokens` tokens on both and compares the logits.
Comparison compare(const std::string &target, const DecoderWeights &weights, int64_t tokens,
                   std::vector<TimedCommand> *commands = nullptr) {
  Comparison result;
  auto decoder = ValueDecoder::create(targetOf(target), weights, tokens);
  EXPECT_TRUE(decoder) << decoder.error().message;
  if (!decoder)
    return result;
  if (commands)
    (*decoder)->recordCommands(commands);
  Reference reference(weights);
  for (int64_t t = 0; t < tokens; ++t) {
    int32_t token = int32_t(t * 7 % weights.shape.vocabulary);
    Result<std::vector<float>> logits = (*decoder)->step(token);
    EXPECT_TRUE(logits) << logits.error().message;
    if (!logits)
      return result;
    std::vector<float> expected = reference.step(token);
    for (size_t i = 0; i < expected.size(); ++i) {
      result.worst = std::max(result.worst, double(std::abs((*logits)[i] - expected[i])));
      result.largest = std::max(result.largest, double(std::abs(expected[i])));
    }
    result.sameChoice += std::max_element(expected.begin(), expected.end()) - expected.begin() ==
                         std::max_element(logits->begin(), logits->end()) - logits->begin();
  }
  return result;
}

} // namespace

TEST(ChannelValues, ATileIsThirtyTwoDotProducts) {
  Target target = targetOf("neupims");
  ChannelValues channel(*target.memory, *target.pim);
  std::vector<Half> results;
  auto run = [&](Command command) {
    Status status = channel.execute(command, results);
    ASSERT_TRUE(status) << status.error().message;
  };
  for (int bank = 0; bank < 32; ++bank) {
    run({CommandKind::Activate, uint8_t(bank), 1, 9, 0});
    std::vector<Half> row(32);
    for (int i = 0; i < 32; ++i)
      row[size_t(i)] = Half(bank + i);
    ASSERT_TRUE(channel.write({CommandKind::Write, uint8_t(bank), 1, 9, 0}, 32, row));
    run({CommandKind::Precharge, uint8_t(bank), 1, -1, 0});
  }
  run({CommandKind::Activate, 3, 1, 77, 0});
  ASSERT_TRUE(channel.write({CommandKind::Write, 3, 1, 77, 0}, 32, std::vector<Half>(32, Half(0.5f))));
  run({CommandKind::Gwrite, 3, 1, 77, 0});
  EXPECT_FALSE(channel.execute({CommandKind::CompsReadResult, 0, 2, 9, 2}, results)); // rows are closed
  results.clear();
  for (int bank = 0; bank < 32; bank += 4)
    run({CommandKind::GroupActivate, uint8_t(bank), 1, 9, 0});
  run({CommandKind::CompsReadResult, 0, 2, 9, 2});
  ASSERT_EQ(results.size(), 32u);
  for (int bank = 0; bank < 32; ++bank)
    EXPECT_EQ(float(results[size_t(bank)]), 0.5f * float(32 * bank + 31 * 16));
  EXPECT_EQ(float(channel.element(5, 9, 33)), 6.0f);
}

TEST(ChannelValues, CommandsThatDoNotFindTheirRowFail) {
  Target target = targetOf("neupims");
  ChannelValues channel(*target.memory, *target.pim);
  std::vector<Half> results;
  EXPECT_FALSE(channel.execute({CommandKind::Gwrite, 0, 1, 5, 0}, results));
  EXPECT_FALSE(channel.execute({CommandKind::Comp, 0, 1, 5, 0}, results));
  EXPECT_FALSE(channel.write({CommandKind::Write, 0, 1, 5, 0}, 0, std::vector<Half>(32)));
  ASSERT_TRUE(channel.execute({CommandKind::Activate, 0, 1, 5, 0}, results));
  EXPECT_FALSE(channel.write({CommandKind::Write, 0, 1, 5, 0}, 500, std::vector<Half>(32)));
}

TEST(ValueDecoder, LogitsAreThoseOfFloat32UpToFp16) {
  // Grouped queries; more tokens than a key tile has banks.
  DecoderWeights weights = randomDecoder(4, 2, 32, 2);
  Comparison result = compare("neupims", weights, 70);
  EXPECT_LT(result.worst, 0.01 * result.largest);
  EXPECT_GE(result.sameChoice, 69);
}

TEST(ValueDecoder, SeveralGroupsOfHeadsAndOtherMemory) {
  Comparison wide = compare("neupims", randomDecoder(6, 6, 128, 1), 40); // two groups of heads
  EXPECT_LT(wide.worst, 0.01 * wide.largest);
  Comparison aim = compare("aim-like", randomDecoder(4, 4, 16, 2), 40);
  EXPECT_LT(aim.worst, 0.01 * aim.largest);
}

TEST(ValueDecoder, LongSequencesUseSeveralRowsOfValues) {
  Comparison result = compare("neupims", randomDecoder(1, 1, 16, 1), 530);
  EXPECT_LT(result.worst, 0.01 * result.largest);
}

TEST(ValueDecoder, TheCommandsAreLegal) {
  std::vector<TimedCommand> commands;
  compare("neupims", randomDecoder(4, 2, 32, 1), 40, &commands);
  EXPECT_GT(commands.size(), 1000u);
  EXPECT_EQ(firstViolation(commands, targetOf("neupims")), "");
}

TEST(ValueDecoder, WhatItCannotDoIsRefused) {
  DecoderWeights weights = randomDecoder(1, 1, 16, 1);
  EXPECT_FALSE(ValueDecoder::create(targetOf("npu-only"), weights, 10));
  EXPECT_FALSE(ValueDecoder::create(targetOf("neupims"), weights, 1 << 20));
  auto decoder = ValueDecoder::create(targetOf("neupims"), weights, 1);
  ASSERT_TRUE(decoder);
  EXPECT_FALSE((*decoder)->step(-1));
  EXPECT_FALSE((*decoder)->step(50));
  EXPECT_TRUE((*decoder)->step(0));
  EXPECT_FALSE((*decoder)->step(0));
}
