#include "Random.h"
#include "RandomProgram.h"

#include <algorithm>

using namespace yoke;

static std::vector<int32_t> randomTokens(Random &random, int64_t count, int64_t vocabSize) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<int32_t>(random.integer(0, vocabSize - 1)));
  return tokens;
}

static Batch encoderStep(Random &random, const RandomProgram &program, int32_t maxSequences, int32_t maxTokens) {
  Batch batch;
  for (int32_t sequence = 0; sequence < maxSequences && batch.size() < maxTokens; ++sequence) {
    int64_t length = random.integer(1, std::min<int64_t>(maxTokens - batch.size(), program.maxPositions));
    appendEncoderSequence(batch, sequence, randomTokens(random, length, program.vocabSize));
  }
  return batch;
}

/// Adds a step of one sequence and returns how many slots it commits.
static int64_t decoderPart(Random &random, const RandomProgram &program, Batch &batch, int32_t sequence,
                           int32_t committed, int64_t space) {
  int64_t length = committed > 0 && random.oneIn(2) ? 1 : random.integer(1, std::min<int64_t>(space, 11));
  std::vector<int32_t> tokens = randomTokens(random, length, program.vocabSize);
  if (committed > 0 && length > 1 && random.oneIn(3)) {
    std::vector<int32_t> parents;
    for (int64_t i = 0; i < length; ++i)
      parents.push_back(static_cast<int32_t>(random.integer(-1, i - 1)));
    appendTree(batch, sequence, committed, tokens, parents);
    return 0; // rejected: the next step writes over it
  }
  appendChain(batch, sequence, committed, tokens, random.pick({Outputs::None, Outputs::Last, Outputs::All}));
  return length;
}

static Batch decoderStep(Random &random, const RandomProgram &program, std::vector<int32_t> &committed,
                         int32_t maxTokens) {
  Batch batch;
  auto sequences = static_cast<int32_t>(committed.size());
  auto first = static_cast<int32_t>(random.integer(0, sequences - 1));
  for (int32_t i = 0; i < sequences; ++i) {
    int32_t sequence = (first + i) % sequences;
    int64_t space = std::min(maxTokens - batch.size(), program.maxPositions - committed[sequence]);
    if (space > 0 && (i == 0 || !random.oneIn(3)))
      committed[sequence] +=
          static_cast<int32_t>(decoderPart(random, program, batch, sequence, committed[sequence], space));
  }
  return batch;
}

std::vector<Batch> yoke::makeRandomSteps(const RandomProgram &program, uint64_t seed, int32_t maxSequences,
                                         int32_t maxTokens) {
  Random random(seed * 2 + 1);
  std::vector<Batch> steps;
  std::vector<int32_t> committed(static_cast<size_t>(maxSequences), 0);
  for (int64_t i = random.integer(3, 8); i > 0; --i) {
    Batch batch = program.isEncoder ? encoderStep(random, program, maxSequences, maxTokens)
                                    : decoderStep(random, program, committed, maxTokens);
    if (batch.size() > 0)
      steps.push_back(std::move(batch));
  }
  return steps;
}
