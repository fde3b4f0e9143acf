#include "ChainSteps.h"
#include "Random.h"

#include <algorithm>

using namespace yoke;

static std::vector<int32_t> randomTokens(Random &random, int64_t count, int64_t vocabSize) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<int32_t>(random.integer(0, vocabSize - 1)));
  return tokens;
}

static Batch encoderStep(Random &random, const StepLimits &limits) {
  Batch batch;
  for (int32_t sequence = 0; sequence < limits.sequences && batch.size() < limits.maxTokens; ++sequence) {
    int64_t length = random.integer(1, std::min<int64_t>(limits.maxTokens - batch.size(), limits.slots));
    appendEncoderSequence(batch, sequence, randomTokens(random, length, limits.vocabSize));
  }
  return batch;
}

static Batch decoderStep(Random &random, const StepLimits &limits, std::vector<int32_t> &committed) {
  Batch batch;
  auto first = static_cast<int32_t>(random.integer(0, limits.sequences - 1));
  for (int32_t i = 0; i < limits.sequences; ++i) {
    int32_t sequence = (first + i) % limits.sequences;
    int64_t space = std::min(limits.maxTokens - batch.size(), limits.slots - committed[sequence]);
    if (space <= 0 || (i > 0 && random.oneIn(3)))
      continue;
    int64_t length = committed[sequence] > 0 && random.oneIn(2) ? 1 : random.integer(1, space);
    appendChain(batch, sequence, committed[sequence], randomTokens(random, length, limits.vocabSize),
                random.pick({Outputs::None, Outputs::Last, Outputs::All}));
    committed[sequence] += static_cast<int32_t>(length);
  }
  return batch;
}

std::vector<Batch> yoke::makeChainSteps(const StepLimits &limits, uint64_t seed) {
  Random random(seed * 2 + 1);
  std::vector<Batch> steps;
  std::vector<int32_t> committed(static_cast<size_t>(limits.sequences), 0);
  for (int i = limits.isEncoder ? 3 : 12; i > 0; --i) {
    Batch batch = limits.isEncoder ? encoderStep(random, limits) : decoderStep(random, limits, committed);
    if (batch.size() > 0)
      steps.push_back(std::move(batch));
  }
  return steps;
}

std::vector<Batch> yoke::oneTokenSteps(const std::vector<Batch> &steps) {
  std::vector<Batch> result;
  for (const Batch &batch : steps)
    for (int64_t t = 0; t < batch.size(); ++t) {
      Batch step;
      appendChain(step, batch.sequences[t], batch.slots[t], {batch.tokens[t]});
      result.push_back(std::move(step));
    }
  return result;
}

std::vector<Batch> yoke::oneSequenceSteps(const Batch &batch) {
  std::vector<Batch> result;
  for (int32_t first : batch.outputs) {
    auto begin = batch.tokens.begin() + first;
    Batch step;
    appendEncoderSequence(step, 0, std::vector<int32_t>(begin, begin + batch.limits[first]));
    result.push_back(std::move(step));
  }
  return result;
}
