// Compiled products of quantised weights and rounded activations against the interpreter.
#include "ChainSteps.h"
#include "CompiledProgram.h"
#include "DecoderProgram.h"

#include "Compiler/Registration.h"
#include "Interpreter/Interpreter.h"
#include "Quantize/Quantize.h"

#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace yoke;

namespace {
struct Numerics {
  const char *weights, *activations, *element;
  /// Of the largest result. Rounded activations may fall on the other side of a half when what they are made of differs
  /// in the last place.
  float bound;
};

const Numerics numerics[] = {
    {"q8", "i16", "f32", 2e-5f},           {"q8", "i8", "bf16", 1e-2f},
    {"q4", "i16", "f32", 2e-5f},           {"q4", "i8", "f32", 1e-2f},
    {"q4-plain", "i8", "f16", 1e-2f},      {"q4-asymmetric", "i16", "f32", 2e-5f},
    {"q4-asymmetric", "i8", "f32", 1e-2f}, {"", "bf16", "bf16", 1e-2f},
};

const mlir::DialectRegistry &everything() {
  static const mlir::DialectRegistry registry = [] {
    mlir::DialectRegistry all;
    registerEverything(all);
    return all;
  }();
  return registry;
}

class QuantizedCode : public testing::TestWithParam<Numerics> {
protected:
  QuantizedCode() : context(everything(), mlir::MLIRContext::Threading::DISABLED) {}

  /// The program with the types that the passes give it, for compiled and interpreted runs alike.
  RandomProgram makeProgram(const DecoderShape &shape) {
    RandomProgram program = makeDecoder(context, shape);
    mlir::PassManager manager(&context);
    manager.addPass(createQuantizeWeightsPass({.weights = GetParam().weights}));
    manager.addPass(createRoundActivationsPass({.activations = GetParam().activations}));
    EXPECT_TRUE(mlir::succeeded(manager.run(*program.module)));
    return program;
  }

  static std::vector<Matrix> runCompiled(const CompiledProgram &program, const std::vector<Batch> &steps, int threads) {
    CompiledSession session(program, limits.sequences, limits.slots, threads);
    std::vector<Matrix> results;
    for (const Batch &step : steps)
      results.push_back(session.run(step));
    return results;
  }

  static std::unique_ptr<CompiledProgram> compile(const RandomProgram &program, const std::string &target) {
    auto result = CompiledProgram::compile(program, CpuTarget::parse(target).value(), limits.maxTokens);
    EXPECT_TRUE(result) << target << ": " << result.error().message;
    return result ? std::move(*result) : nullptr;
  }

  /// This machine, and what a smaller one would run.
  static std::vector<std::string> targets() {
    std::vector<std::string> all = {"cpu:x86-64-v3"};
    CpuTarget host = CpuTarget::parse("cpu:native").value();
    if (host.level == "x86-64-v4")
      all.push_back("cpu:x86-64-v4");
    if (!host.extensions.empty())
      all.push_back("cpu:native");
    return all;
  }

  static constexpr StepLimits limits = {.sequences = 3, .maxTokens = 70, .slots = 250, .vocabSize = decoderVocabSize};
  mlir::MLIRContext context;
};
} // namespace

TEST_P(QuantizedCode, EqualsTheInterpreterOnAllTargetsAndTeams) {
  // 29 and 65 inputs: blocks that end early, one block and three.
  RandomProgram program = makeProgram({.heads = 5, .kvHeads = 1, .headDim = 13, .element = GetParam().element});
  std::vector<Batch> steps = makeChainSteps(limits, 3);
  Interpreter interpreter(*program.module, program.weights());
  KvCache cache;
  std::vector<Matrix> expected;
  for (const Batch &step : steps)
    expected.push_back(interpreter.run("step", step, cache).value().front());
  for (const std::string &target : targets()) {
    auto compiled = compile(program, target);
    ASSERT_TRUE(compiled);
    std::vector<Matrix> alone = runCompiled(*compiled, steps, 1), together = runCompiled(*compiled, steps, 3);
    for (size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(alone[i].data, together[i].data) << target << ", step " << i;
      float largest = 0, error = 0;
      for (size_t k = 0; k < expected[i].data.size(); ++k) {
        largest = std::max(largest, std::abs(expected[i].data[k]));
        error = std::max(error, std::abs(alone[i].data[k] - expected[i].data[k]));
      }
      EXPECT_LE(error, GetParam().bound * largest) << target << ", step " << i;
    }
  }
}

TEST_P(QuantizedCode, RowsDoNotDependOnTheRowsBesideThem) {
  RandomProgram program = makeProgram({.heads = 6, .kvHeads = 2, .headDim = 10, .element = GetParam().element});
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 40; ++i)
    tokens.push_back(i * 7 % static_cast<int32_t>(decoderVocabSize));
  for (const std::string &target : targets()) {
    auto compiled = compile(program, target);
    ASSERT_TRUE(compiled);
    Batch whole;
    appendChain(whole, 0, 0, tokens, Outputs::All);
    Matrix all = runCompiled(*compiled, {whole}, 1).front();
    for (int32_t count : {1, 2, 3, 5, 6, 7, 13, 39}) {
      Batch part;
      appendChain(part, 0, 0, {tokens.begin(), tokens.begin() + count}, Outputs::All);
      Matrix rows = runCompiled(*compiled, {part}, 1 + count % 3).front();
      EXPECT_TRUE(std::equal(rows.data.begin(), rows.data.end(), all.data.begin())) << target << ", " << count;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuantizedCode, testing::ValuesIn(numerics),
                         [](const testing::TestParamInfo<Numerics> &info) {
                           std::string name = std::string(info.param.weights) + "_" + info.param.activations;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return (name.front() == '_' ? "floats" : "") + name;
                         });
