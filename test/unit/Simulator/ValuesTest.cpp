// Commands that carry values: the units of a channel, matrices in banks, attention over keys and values in banks.
#include "Helpers.h"
#include "Simulator/BankedCache.h"
#include "Simulator/BankedMatrix.h"
#include "Simulator/Half.h"
#include "Simulator/Schedule.h"

#include <random>

using namespace yoke;
using namespace yoke::sim;

namespace {

std::vector<float> random(std::mt19937 &generator, int64_t count, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = roundToHalf(uniform(generator));
  return values;
}

struct Device {
  explicit Device(const std::string &name)
      : target(targetOf(name)), machine(target, overlappedMachine()), values(target), program(values) {
    machine.recordCommands(&commands);
  }
  Target target;
  Machine machine;
  DeviceValues values;
  ValueProgram program;
  std::vector<TimedCommand> commands;
};

/// Products of three vectors with a matrix in banks against double sums.
void checkMatrix(const std::string &target, int64_t outputs, int64_t inputs) {
  Device device(target);
  std::mt19937 generator(3);
  constexpr int64_t rows = 3;
  std::vector<float> matrix = random(generator, outputs * inputs, 1), x = random(generator, rows * inputs, 1);
  std::vector<float> y(size_t(rows * outputs));
  auto placed = BankedMatrix::place(device.values, matrix, outputs, inputs);
  ASSERT_TRUE(placed) << placed.error().message;
  placed->multiply(
      device.program, Phase::Projection, rows,
      [&](int64_t row) { return std::span<const float>(x).subspan(size_t(row * inputs), size_t(inputs)); },
      [&](int64_t row) { return std::span(y).subspan(size_t(row * outputs), size_t(outputs)); }, -1);
  Status ran = device.program.run(device.machine);
  ASSERT_TRUE(ran) << ran.error().message;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t out = 0; out < outputs; ++out) {
      double sum = 0, size = 0;
      for (int64_t in = 0; in < inputs; ++in) {
        double product = double(matrix[size_t(out * inputs + in)]) * double(x[size_t(row * inputs + in)]);
        sum += product;
        size += std::abs(product);
      }
      EXPECT_NEAR(y[size_t(row * outputs + out)], sum, size / 1024) << row << ", " << out;
    }
  EXPECT_EQ(firstViolation(device.commands, device.target), "");
}

/// Keys, values and queries of `tokens` tokens of one sequence, appended in steps of three; every token asks.
struct Attention {
  AttentionShape shape;
  int64_t tokens;
  std::vector<float> q, k, v, inBanks, onArrays;

  Attention(AttentionShape given, int64_t tokens) : shape(given), tokens(tokens) {
    std::mt19937 generator(7);
    q = random(generator, tokens * shape.heads * shape.headSize, 2);
    k = random(generator, tokens * shape.keyHeads * shape.headSize, 2);
    v = random(generator, tokens * shape.keyHeads * shape.headSize, 2);
    inBanks.resize(q.size());
    onArrays.resize(q.size());
  }
  TokenRows rows(std::vector<float> &result) {
    auto rowsOf = [this](auto &values) {
      size_t columns = values.size() / size_t(tokens);
      return [&values, columns](int64_t row) { return std::span(values).subspan(size_t(row) * columns, columns); };
    };
    return {rowsOf(q), rowsOf(k), rowsOf(v), rowsOf(result)};
  }
  /// Slots that a token sees.
  std::vector<int32_t> visible(int64_t token, int64_t window) const {
    std::vector<int32_t> slots;
    for (int64_t slot = std::max<int64_t>(0, token + 1 - window); slot <= token; ++slot)
      slots.push_back(int32_t(slot));
    return slots;
  }
  double expected(int64_t token, int64_t head, int64_t feature, int64_t window) const {
    double largest = -INFINITY, total = 0, sum = 0;
    std::vector<double> scores;
    int64_t size = shape.headSize, keyHead = head / (shape.heads / shape.keyHeads);
    std::vector<int32_t> slots = visible(token, window);
    for (int32_t slot : slots) {
      double score = 0;
      for (int64_t i = 0; i < size; ++i)
        score += double(q[size_t((token * shape.heads + head) * size + i)]) *
                 double(k[size_t((slot * shape.keyHeads + keyHead) * size + i)]);
      score *= double(shape.scale);
      if (shape.softcap > 0)
        score = double(shape.softcap) * std::tanh(score / double(shape.softcap));
      largest = std::max(largest, score);
      scores.push_back(score);
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      double weight = std::exp(scores[i] - largest);
      total += weight;
      sum += weight * double(v[size_t((slots[i] * shape.keyHeads + keyHead) * size + feature)]);
    }
    return sum / total;
  }
};

void checkAttention(const std::string &name, AttentionShape shape, int64_t tokens, int64_t window = 1 << 20) {
  Device device(name);
  BankedCache cache(device.values, shape);
  Attention attention(shape, tokens);
  TokenRows inBanks = attention.rows(attention.inBanks), onArrays = attention.rows(attention.onArrays);
  for (int64_t begin = 0; begin < tokens; begin += 3) {
    std::vector<int32_t> slots;
    std::vector<int64_t> rows;
    std::vector<CacheQuery> queries;
    for (int64_t token = begin; token < std::min(tokens, begin + 3); ++token) {
      slots.push_back(int32_t(token));
      rows.push_back(token);
      queries.push_back({token, attention.visible(token, window)});
    }
    auto written = cache.append(device.program, 5, slots, rows, inBanks, -1);
    ASSERT_TRUE(written) << written.error().message;
    if (cache.fitsPim())
      for (const CacheQuery &query : queries)
        cache.attendInBanks(device.program, 5, query, inBanks, *written);
    cache.attendOnArrays(device.program, 5, queries, onArrays, *written);
    Status ran = device.program.run(device.machine);
    ASSERT_TRUE(ran) << ran.error().message;
  }
  for (int64_t token = 0; token < tokens; token += std::max<int64_t>(1, tokens / 20))
    for (int64_t head = 0; head < shape.heads; ++head)
      for (int64_t feature = 0; feature < shape.headSize; ++feature) {
        size_t at = size_t((token * shape.heads + head) * shape.headSize + feature);
        double wanted = attention.expected(token, head, feature, window);
        if (cache.fitsPim())
          EXPECT_NEAR(attention.inBanks[at], wanted, 0.02) << token << ", " << head << ", " << feature;
        EXPECT_NEAR(attention.onArrays[at], wanted, 0.02) << token << ", " << head << ", " << feature;
      }
  EXPECT_EQ(firstViolation(device.commands, device.target), "");
}

} // namespace

TEST(ChannelValues, ATileIsThirtyTwoDotProducts) {
  Target target = targetOf("neupims");
  ChannelValues channel(*target.memory, *target.pim);
  std::vector<float> results;
  auto run = [&](Command command) {
    Status status = channel.execute(command, results);
    ASSERT_TRUE(status) << status.error().message;
  };
  for (int bank = 0; bank < 32; ++bank) {
    std::vector<float> row(32);
    for (int i = 0; i < 32; ++i)
      row[size_t(i)] = float(bank + i);
    ASSERT_TRUE(channel.place(bank, 9, 32, row));
  }
  ASSERT_TRUE(channel.place(3, 77, 32, std::vector<float>(32, 0.5f)));
  run({CommandKind::Activate, 3, 1, 77, 0});
  run({CommandKind::Write, 3, 1, 77, 0});
  run({CommandKind::Gwrite, 3, 1, 77, 0});
  EXPECT_FALSE(channel.execute({CommandKind::CompsReadResult, 0, 2, 9, 2}, results)); // rows are closed
  results.clear();
  for (int bank = 0; bank < 32; bank += 4)
    run({CommandKind::GroupActivate, uint8_t(bank), 1, 9, 0});
  run({CommandKind::CompsReadResult, 0, 2, 9, 2});
  ASSERT_EQ(results.size(), 32u);
  for (int bank = 0; bank < 32; ++bank)
    EXPECT_EQ(results[size_t(bank)], 0.5f * float(32 * bank + 31 * 16));
  EXPECT_EQ(channel.element(5, 9, 33), 6.0f);
}

TEST(ChannelValues, CommandsThatDoNotFindTheirRowFail) {
  Target target = targetOf("neupims");
  ChannelValues channel(*target.memory, *target.pim);
  std::vector<float> results;
  EXPECT_FALSE(channel.execute({CommandKind::Gwrite, 0, 1, 5, 0}, results));
  EXPECT_FALSE(channel.execute({CommandKind::Comp, 0, 1, 5, 0}, results));
  EXPECT_FALSE(channel.execute({CommandKind::Write, 0, 1, 5, 0}, results));
  ASSERT_TRUE(channel.execute({CommandKind::Activate, 0, 1, 5, 0}, results));
  EXPECT_TRUE(channel.execute({CommandKind::Write, 0, 1, 5, 0}, results));
}

TEST(ChannelValues, ValuesOutsideTheirRowOrFp16AreRefused) {
  Target target = targetOf("neupims");
  ChannelValues channel(*target.memory, *target.pim);
  EXPECT_TRUE(channel.place(0, 0, 0, std::vector<float>{65504}));
  EXPECT_FALSE(channel.place(0, 0, 0, std::vector<float>{65520}));
  EXPECT_FALSE(channel.place(0, 0, 511, std::vector<float>{1, 2}));
}

TEST(BankedMatrix, ProductsAreThoseOfTheMatrix) {
  checkMatrix("neupims", 70, 48);    // several blocks of outputs share a row
  checkMatrix("neupims", 1100, 512); // more blocks than channels
  checkMatrix("neupims", 33, 1100);  // rows of one output are longer than a bank's
  checkMatrix("neupims", 5, 7);      // less than a COMP
  checkMatrix("aim-like", 100, 300);
}

TEST(BankedMatrix, WhatDoesNotFitIsRefused) {
  Device device("neupims");
  EXPECT_FALSE(device.values.takeRows(0, device.target.memory->rows / 2));
  std::vector<float> large = {1e6f};
  EXPECT_FALSE(BankedMatrix::place(device.values, large, 1, 1));
}

TEST(BankedCache, AttentionIsThatOfDoubleSums) {
  checkAttention("neupims", {4, 2, 32, 0.17f}, 70);     // grouped queries; more tokens than banks
  checkAttention("neupims", {6, 6, 128, 0.09f}, 20);    // two groups of heads
  checkAttention("neupims", {2, 1, 24, 0.2f, 3}, 20);   // heads of one COMP and a half; capped scores
  checkAttention("neupims", {1, 1, 16, 0.25f}, 530);    // several rows of values
  checkAttention("neupims", {2, 1, 16, 0.25f}, 80, 10); // a window
  checkAttention("neupims", {2, 1, 576, 0.04f}, 10);    // heads longer than a row: on the arrays alone
  checkAttention("aim-like", {4, 4, 16, 0.25f}, 40);
}

TEST(DeviceValues, TargetsWithoutWhatValuesNeedAreRefused) {
  EXPECT_FALSE(checkValueTarget(targetOf("npu-only")));
  EXPECT_FALSE(checkValueTarget(targetOf("npu-pim-newton")));
  EXPECT_FALSE(checkValueTarget(targetOf("a100")));
  EXPECT_TRUE(checkValueTarget(targetOf("neupims")));
}
