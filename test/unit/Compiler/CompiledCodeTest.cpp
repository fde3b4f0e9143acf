// Compiled code against the interpreter, on seeded random programs and on chosen shapes.
#include "ChainSteps.h"
#include "CompiledProgram.h"
#include "DecoderProgram.h"
#include "Random.h"

#include "Compiler/Registration.h"
#include "Interpreter/Interpreter.h"
#include "LLM/LLM.h"
#include "Skip/Skip.h"

#include "mlir/Pass/PassManager.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using namespace yoke;

namespace {
/// Of the largest result of a step: sums in float32 of up to a few hundred terms, through at most three layers.
constexpr float bound = 1e-5f;

/// What is kept in 16 bits may fall on the other side of a half when it differs in the last place.
float boundFor(std::string_view cache) { return cache == "f32" ? bound : 1e-2f; }

const mlir::DialectRegistry &everything() {
  static const mlir::DialectRegistry registry = [] {
    mlir::DialectRegistry all;
    registerEverything(all);
    return all;
  }();
  return registry;
}

class CompiledCodeBase : public testing::Test {
protected:
  CompiledCodeBase() : context(everything(), mlir::MLIRContext::Threading::DISABLED) {}

  /// False, and the test is skipped or failed, when there is no program to run.
  void compile(RandomProgram made, const std::string &level, int64_t maxTokens) {
    program = std::move(made);
    ASSERT_TRUE(program.module) << program.description;
    CpuTarget host = CpuTarget::parse("cpu:native").value();
    if (level == "x86-64-v4" && host.level != level)
      GTEST_SKIP() << "this processor is no " << level;
    auto result = CompiledProgram::compile(program, CpuTarget::parse("cpu:" + level).value(), maxTokens);
    ASSERT_TRUE(result) << program.description << ": " << result.error().message;
    compiled = std::move(*result);
  }

  std::vector<Matrix> runCompiled(const std::vector<Batch> &steps, const StepLimits &limits, int threads) {
    CompiledSession session(*compiled, limits.sequences, limits.slots, threads);
    std::vector<Matrix> results;
    for (const Batch &step : steps)
      results.push_back(session.run(step));
    return results;
  }

  std::vector<Matrix> runInterpreted(const std::vector<Batch> &steps) {
    Interpreter interpreter(*program.module, program.weights());
    KvCache cache;
    std::vector<Matrix> results;
    for (const Batch &step : steps) {
      auto result = interpreter.run("step", step, cache);
      if (!result) {
        ADD_FAILURE() << program.description << ": " << result.error().message;
        return {};
      }
      results.push_back(std::move(result->front()));
    }
    return results;
  }

  void expectClose(const std::vector<Matrix> &actual, const std::vector<Matrix> &expected, float relative) {
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t step = 0; step < actual.size(); ++step) {
      float largest = 0, error = 0;
      ASSERT_EQ(actual[step].data.size(), expected[step].data.size());
      for (size_t i = 0; i < actual[step].data.size(); ++i) {
        ASSERT_TRUE(std::isfinite(actual[step].data[i])) << program.description << ", step " << step;
        largest = std::max(largest, std::abs(expected[step].data[i]));
        error = std::max(error, std::abs(actual[step].data[i] - expected[step].data[i]));
      }
      EXPECT_LE(error, relative * largest) << program.description << ", step " << step << " of " << actual.size();
    }
  }

  void expectEqualBits(const Matrix &actual, const Matrix &expected, const std::string &what) {
    ASSERT_EQ(actual.data.size(), expected.data.size()) << what;
    EXPECT_TRUE(std::equal(actual.data.begin(), actual.data.end(), expected.data.begin()))
        << program.description << ": " << what;
  }

  static Matrix rowsOf(const Matrix &all, int64_t first, int64_t count) {
    return Matrix(count, all.cols, {all.row(first), all.row(first) + count * all.cols});
  }

  mlir::MLIRContext context;
  RandomProgram program;
  std::unique_ptr<CompiledProgram> compiled;
};

using LevelAndSeed = std::tuple<const char *, uint64_t>;
class RandomPrograms : public CompiledCodeBase, public testing::WithParamInterface<LevelAndSeed> {
protected:
  /// LongRoPE takes its frequencies from the largest position of the step.
  bool rowsDependOnTheStep() {
    std::string text;
    llvm::raw_string_ostream(text) << *program.module;
    return text.find("long_frequencies") != std::string::npos;
  }

  void expectEqualTheInterpreter(const std::vector<Batch> &steps) {
    std::vector<Matrix> alone = runCompiled(steps, limits, 1);
    expectClose(alone, runInterpreted(steps), bound);
    for (int threads : {2, 3}) {
      std::vector<Matrix> together = runCompiled(steps, limits, threads);
      for (size_t i = 0; i < steps.size(); ++i)
        expectEqualBits(together[i], alone[i], fmt::format("step {} of {} threads", i, threads));
    }
  }

  void expectSequencesDoNotDependOnTheStep(const std::vector<Batch> &steps) {
    for (const Batch &step : steps) {
      Matrix together = runCompiled({step}, limits, 2).front();
      std::vector<Matrix> apart = runCompiled(oneSequenceSteps(step), limits, 1);
      for (int64_t row = 0; row < together.rows; ++row)
        expectEqualBits(apart[row], rowsOf(together, row, 1), fmt::format("sequence {}", row));
    }
  }

  void expectTokensDoNotDependOnTheStep(const std::vector<Batch> &steps) {
    std::vector<Matrix> together = runCompiled(steps, limits, 2), apart = runCompiled(oneTokenSteps(steps), limits, 1);
    size_t token = 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      for (size_t row = 0; row < steps[i].outputs.size(); ++row)
        expectEqualBits(apart[token + steps[i].outputs[row]], rowsOf(together[i], static_cast<int64_t>(row), 1),
                        fmt::format("step {} row {}", i, row));
      token += steps[i].tokens.size();
    }
  }

  StepLimits limits;
};

std::string levelName(const char *level) { return level == std::string("x86-64-v4") ? "v4" : "v3"; }
const auto levels = testing::Values("x86-64-v3", "x86-64-v4");
} // namespace

TEST_P(RandomPrograms, EqualTheInterpreterHoweverTheyAreRun) {
  auto [level, seed] = GetParam();
  RandomProgram made = makeRandomProgram(context, seed);
  limits = {.slots = made.maxPositions, .vocabSize = made.vocabSize, .isEncoder = made.isEncoder};
  compile(std::move(made), level, limits.maxTokens);
  if (!compiled)
    return;
  std::vector<Batch> steps = makeChainSteps(limits, seed);
  expectEqualTheInterpreter(steps);
  // With draft trees.
  expectEqualTheInterpreter(makeRandomSteps(program, seed));
  if (rowsDependOnTheStep())
    return;
  if (limits.isEncoder)
    expectSequencesDoNotDependOnTheStep(steps);
  else
    expectTokensDoNotDependOnTheStep(steps);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPrograms, testing::Combine(levels, testing::Range<uint64_t>(0, 40)),
                         [](const testing::TestParamInfo<LevelAndSeed> &info) {
                           return levelName(std::get<0>(info.param)) + "_seed" +
                                  std::to_string(std::get<1>(info.param));
                         });

//===----------------------------------------------------------------------===//
// Rows that skip
//===----------------------------------------------------------------------===//

namespace {
/// False when a layer of the program has no feed-forward block of its own.
bool letRowsSkip(mlir::ModuleOp module, uint64_t seed) {
  int64_t layers = 0;
  module.walk([&](llm::AttentionOp) { ++layers; });
  constexpr double thresholds[] = {-1, 0.5, 0.8, 0.95};
  SkipFfnPassOptions policy;
  policy.last = layers;
  policy.warmUp = static_cast<int64_t>(seed % 3);
  policy.tau = thresholds[seed % 4];
  policy.k = 1 + static_cast<int64_t>(seed % 2);
  mlir::PassManager manager(module.getContext());
  manager.addPass(createSkipFfnPass(policy));
  mlir::ScopedDiagnosticHandler quiet(module.getContext(), [](mlir::Diagnostic &) { return mlir::success(); });
  return mlir::succeeded(manager.run(module));
}

class SkippingPrograms : public RandomPrograms {};
} // namespace

TEST_P(SkippingPrograms, EqualTheInterpreterHoweverTheyAreRun) {
  auto [level, seed] = GetParam();
  RandomProgram made = makeRandomProgram(context, seed);
  if (!letRowsSkip(*made.module, seed))
    GTEST_SKIP() << "a layer has no feed-forward block of its own";
  limits = {.slots = made.maxPositions, .vocabSize = made.vocabSize, .isEncoder = made.isEncoder};
  compile(std::move(made), level, limits.maxTokens);
  if (!compiled)
    return;
  std::vector<Batch> steps = makeChainSteps(limits, seed);
  expectEqualTheInterpreter(steps);
  expectEqualTheInterpreter(makeRandomSteps(program, seed));
  if (rowsDependOnTheStep())
    return;
  if (limits.isEncoder)
    expectSequencesDoNotDependOnTheStep(steps);
  else
    expectTokensDoNotDependOnTheStep(steps);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SkippingPrograms, testing::Combine(levels, testing::Range<uint64_t>(0, 24)),
                         [](const testing::TestParamInfo<LevelAndSeed> &info) {
                           return levelName(std::get<0>(info.param)) + "_seed" +
                                  std::to_string(std::get<1>(info.param));
                         });

//===----------------------------------------------------------------------===//
// Chosen shapes
//===----------------------------------------------------------------------===//

namespace {
using LevelAndShape = std::tuple<const char *, DecoderShape>;
class Decoders : public CompiledCodeBase, public testing::WithParamInterface<LevelAndShape> {};

// Contexts of eight pages; windows that start inside, at the edge of and some pages behind the newest page; heads whose
// size is no multiple of a vector; groups from one query head to sixteen.
const DecoderShape shapes[] = {
    {.heads = 9, .kvHeads = 1, .headDim = 8, .ropeDims = 8},
    {.heads = 16, .kvHeads = 2, .headDim = 12, .ropeDims = 6, .window = 33, .element = "bf16", .cache = "bf16"},
    {.heads = 16, .kvHeads = 1, .headDim = 20, .window = 45, .cache = "f16"},
    {.heads = 8, .kvHeads = 1, .headDim = 40, .ropeDims = 40, .window = 32, .element = "f16"},
    {.heads = 5, .kvHeads = 1, .headDim = 72, .ropeDims = 24, .window = 1},
    {.heads = 3, .kvHeads = 3, .headDim = 80, .ropeDims = 80, .window = 100, .softcap = 2.0f},
    {.heads = 4, .kvHeads = 2, .headDim = 33, .ropeDims = 32, .window = 7, .cache = "bf16"},
    {.heads = 7, .kvHeads = 1, .headDim = 17, .softcap = 0.5f, .element = "bf16"},
    {.heads = 1, .kvHeads = 1, .headDim = 1},
};
const StepLimits longContext = {.sequences = 3, .maxTokens = 70, .slots = 250, .vocabSize = decoderVocabSize};
} // namespace

TEST_P(Decoders, EqualTheInterpreterOverManyPages) {
  auto [level, shape] = GetParam();
  compile(makeDecoder(context, shape), level, longContext.maxTokens);
  if (!compiled)
    return;
  std::vector<Batch> steps = makeChainSteps(longContext, static_cast<uint64_t>(shape.headDim));
  std::vector<Matrix> alone = runCompiled(steps, longContext, 1), together = runCompiled(steps, longContext, 3);
  expectClose(alone, runInterpreted(steps), boundFor(shape.cache));
  for (size_t i = 0; i < steps.size(); ++i)
    expectEqualBits(together[i], alone[i], fmt::format("step {} of 3 threads", i));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Decoders, testing::Combine(levels, testing::ValuesIn(shapes)),
                         [](const testing::TestParamInfo<LevelAndShape> &info) {
                           const DecoderShape &shape = std::get<1>(info.param);
                           return fmt::format("{}_{}on{}_dim{}_window{}", levelName(std::get<0>(info.param)),
                                              shape.heads, shape.kvHeads, shape.headDim, shape.window);
                         });

namespace {
class Levels : public CompiledCodeBase, public testing::WithParamInterface<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, Levels, levels,
                         [](const testing::TestParamInfo<const char *> &info) { return levelName(info.param); });

std::vector<int32_t> someTokens(int32_t count) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < count; ++i)
    tokens.push_back(i * 7 % static_cast<int32_t>(decoderVocabSize));
  return tokens;
}
} // namespace

// Every remainder of the rows that are multiplied at once; a causal prefix does not depend on what follows.
TEST_P(Levels, PrefillOfOneToSeventyTokens) {
  compile(makeDecoder(context, {.heads = 6, .kvHeads = 2, .headDim = 10, .ropeDims = 10}), GetParam(), 70);
  if (!compiled)
    return;
  std::vector<int32_t> tokens = someTokens(70);
  Batch whole;
  appendChain(whole, 0, 0, tokens, Outputs::All);
  Matrix expected = runCompiled({whole}, longContext, 1).front();
  expectClose({expected}, runInterpreted({whole}), bound);
  for (int32_t count = 1; count < 70; ++count) {
    Batch part;
    appendChain(part, 0, 0, {tokens.begin(), tokens.begin() + count}, Outputs::All);
    expectEqualBits(runCompiled({part}, longContext, 1 + count % 3).front(), rowsOf(expected, 0, count),
                    fmt::format("{} tokens", count));
  }
}

// Tokens that are worked on together, chunks of pages that are seen whole or in part, and segments of a context that
// threads share change no bit.
TEST_P(Levels, LongPromptsInStepsOfAnySize) {
  constexpr StepLimits limits = {.sequences = 2, .maxTokens = 600, .slots = 620, .vocabSize = decoderVocabSize};
  for (DecoderShape shape : {DecoderShape{.heads = 2, .kvHeads = 2, .headDim = 10, .ropeDims = 10},
                             DecoderShape{.heads = 3, .kvHeads = 1, .headDim = 16, .cache = "bf16"},
                             DecoderShape{.heads = 2, .kvHeads = 1, .headDim = 12, .window = 150, .cache = "f16"}}) {
    compile(makeDecoder(context, shape), GetParam(), limits.maxTokens);
    if (!compiled)
      return;
    std::vector<int32_t> tokens = someTokens(600);
    Batch whole;
    appendChain(whole, 0, 0, tokens, Outputs::All);
    Matrix expected = runCompiled({whole}, limits, 1).front();
    std::vector<Batch> steps;
    std::vector<int32_t> sizes = {1, 7, 130, 42, 119, 200, 97, 1, 2, 1};
    int32_t begin = 0;
    for (int32_t size : sizes) {
      Batch part;
      appendChain(part, 0, begin, {tokens.begin() + begin, tokens.begin() + begin + size}, Outputs::All);
      steps.push_back(part);
      begin += size;
    }
    std::vector<Matrix> results = runCompiled(steps, limits, 3);
    begin = 0;
    for (size_t i = 0; i < sizes.size(); begin += sizes[i++])
      expectEqualBits(results[i], rowsOf(expected, begin, sizes[i]), fmt::format("{}, step {}", shape.describe(), i));
  }
}

// The rows of a draft tree are those of its branches decoded alone, over the edge of a page too.
TEST_P(Levels, BranchesOfADraftTree) {
  for (auto [window, cache] : {std::pair(0, "f32"), std::pair(9, "f32"), std::pair(0, "bf16"), std::pair(9, "f16")}) {
    compile(makeDecoder(context,
                        {.heads = 6, .kvHeads = 2, .headDim = 10, .ropeDims = 10, .window = window, .cache = cache}),
            GetParam(), 70);
    if (!compiled)
      return;
    std::vector<int32_t> prefix = someTokens(29), tokens = someTokens(12);
    std::vector<int32_t> parents = {-1, 0, 0, 1, 2, 4, -1, 5, 3, 7, 7, 6};
    Batch prefill, tree;
    appendChain(prefill, 0, 0, prefix);
    appendTree(tree, 0, static_cast<int32_t>(prefix.size()), tokens, parents);
    Matrix rows = runCompiled({prefill, tree}, longContext, 3).back();
    expectClose({rows}, {runInterpreted({prefill, tree}).back()}, boundFor(cache));
    for (int32_t node = 0; node < tree.size(); ++node) {
      std::vector<int32_t> branch;
      for (int32_t at = node; at >= 0; at = parents[at])
        branch.insert(branch.begin(), tokens[at]);
      Batch chain;
      appendChain(chain, 0, static_cast<int32_t>(prefix.size()), branch);
      expectEqualBits(runCompiled({prefill, chain}, longContext, 1).back(), rowsOf(rows, node, 1),
                      fmt::format("node {}", node));
    }
  }
}

// Sequences that see themselves alone, all of it or what came before, wherever they stand in the step.
TEST_P(Levels, AttentionWithoutACache) {
  const DecoderShape encoders[] = {
      {.heads = 4, .kvHeads = 2, .headDim = 20, .ropeDims = 20, .hasCache = false, .isBidirectional = true},
      {.heads = 3, .kvHeads = 3, .headDim = 9, .softcap = 1.0f, .hasCache = false},
      {.heads = 5, .kvHeads = 1, .headDim = 16, .window = 6, .hasCache = false},
      {.heads = 2, .kvHeads = 1, .headDim = 8, .window = 40, .hasCache = false},
  };
  for (const DecoderShape &shape : encoders) {
    compile(makeDecoder(context, shape), GetParam(), 240);
    if (!compiled)
      return;
    Batch step;
    int32_t sequence = 0;
    for (int32_t length : {33, 1, 166, 32, 8})
      appendEncoderSequence(step, sequence++, someTokens(length));
    step.outputs.clear();
    for (int32_t t = 0; t < step.size(); ++t)
      step.outputs.push_back(t);
    Matrix together = runCompiled({step}, longContext, 3).front();
    expectClose({together}, runInterpreted({step}), bound);
    int64_t first = 0;
    for (int32_t length : {33, 1, 166, 32, 8}) {
      Batch alone;
      appendEncoderSequence(alone, 0, someTokens(length));
      alone.outputs.assign(step.outputs.begin(), step.outputs.begin() + length);
      expectEqualBits(runCompiled({alone}, longContext, 1).front(), rowsOf(together, first, length),
                      fmt::format("the sequence at {}", first));
      first += length;
    }
  }
}

// More threads than panels, rows or heads.
TEST_P(Levels, TeamsLargerThanTheWork) {
  compile(makeDecoder(context, {.heads = 2, .kvHeads = 1, .headDim = 8}), GetParam(), 8);
  if (!compiled)
    return;
  Batch step;
  appendChain(step, 0, 0, someTokens(2), Outputs::All);
  Matrix expected = runCompiled({step}, longContext, 1).front();
  for (int threads : {5, 9})
    expectEqualBits(runCompiled({step}, longContext, threads).front(), expected, fmt::format("{} threads", threads));
}

// The softmax of scores of some hundreds is close to a choice of one token; float32 scores are off by some 1e-5 then.
TEST_P(Levels, LargeScores) {
  compile(makeDecoder(context, {.heads = 4, .kvHeads = 2, .headDim = 16, .ropeDims = 16, .queryGain = 100}), GetParam(),
          70);
  if (!compiled)
    return;
  std::vector<Batch> steps = makeChainSteps(longContext, 5);
  expectClose(runCompiled(steps, longContext, 2), runInterpreted(steps), 1e-3f);
}

// Scores around 1e20: which token wins is a matter of rounding, but the result is a mixture of values.
TEST_P(Levels, EnormousScoresStayFinite) {
  compile(makeDecoder(context, {.heads = 4, .kvHeads = 2, .headDim = 16, .queryGain = 1e20f}), GetParam(), 70);
  if (!compiled)
    return;
  std::vector<Batch> steps = makeChainSteps(longContext, 6);
  expectClose(runCompiled(steps, longContext, 2), runInterpreted(steps), 10.0f);
}

//===----------------------------------------------------------------------===//
// Functions of one value
//===----------------------------------------------------------------------===//

namespace {
std::vector<float> valuesOfAllSizes() {
  std::vector<float> values = {0.0f, -0.0f, 1e-40f, -1e-40f, 3.4e38f, -3.4e38f};
  for (float size : {1e-30f, 1e-8f, 1e-3f, 0.1f,  0.5f,   1.0f, 2.0f, 3.7f,  8.0f,  9.5f,  20.0f,
                     50.0f,  87.0f, 88.8f, 90.0f, 104.0f, 1e3f, 1e6f, 1e12f, 1e18f, 1e25f, 1e35f})
    values.insert(values.end(), {size, -size});
  for (float x = -6; x < 6; x += 0.37f)
    values.push_back(x);
  return values;
}

using LevelAndOps = std::tuple<const char *, const char *>;
class Elementwise : public CompiledCodeBase, public testing::WithParamInterface<LevelAndOps> {};
} // namespace

TEST_P(Elementwise, EqualsTheInterpreterForValuesOfAllSizes) {
  auto [level, ops] = GetParam();
  std::vector<float> values = valuesOfAllSizes();
  std::string type = fmt::format("tensor<?x{}xf32>", values.size());
  compile(makeElementwise(context, fmt::format("%y = {} : {}", ops, type), values), level, 4);
  if (!compiled)
    return;
  Batch step;
  appendChain(step, 0, 0, {0, 1, 0}, Outputs::All);
  Matrix actual = runCompiled({step}, longContext, 2).front(), expected = runInterpreted({step}).front();
  for (int64_t row = 0; row < 3; ++row)
    for (size_t i = 0; i < values.size(); ++i) {
      auto column = static_cast<int64_t>(i);
      float x = values[i], a = actual.at(row, column), e = expected.at(row, column);
      // Activations multiply or divide x, so that an error of the function scales with x.
      float allowed = 1e-6f * std::max(std::min(std::abs(x), 1e30f), std::abs(e));
      EXPECT_TRUE(a == e || std::abs(a - e) <= allowed + 1e-38f) << ops << " of " << x << ": " << a << ", not " << e;
    }
}

INSTANTIATE_TEST_SUITE_P(Ops, Elementwise,
                         testing::Combine(levels,
                                          testing::Values("llm.activation silu %x", "llm.activation gelu %x",
                                                          "llm.activation gelu_tanh %x", "llm.activation gelu_quick %x",
                                                          "llm.activation relu %x", "llm.activation relu_squared %x",
                                                          "llm.activation tanh %x", "llm.activation sigmoid %x",
                                                          "llm.gated silu %x, %x", "llm.softcap %x {cap = 30.0 : f32}",
                                                          "llm.scale %x {factor = -0.25 : f32}", "arith.subf %x, %x",
                                                          "arith.mulf %x, %x")),
                         [](const testing::TestParamInfo<LevelAndOps> &info) {
                           std::string name = levelName(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
                           name = name.substr(0, name.find_first_of("%{"));
                           std::erase_if(
                               name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '_'; });
                           return name;
                         });
