// Choices for kernels change no bit of what compiled code computes.
#include "ChainSteps.h"
#include "CompiledProgram.h"
#include "DecoderProgram.h"

#include "Compiler/Registration.h"
#include "Quantize/Quantize.h"

#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace yoke;

namespace {
struct Types {
  const char *name, *weights, *activations, *element;
};

constexpr Types types[] = {{"f32", "", "", "f32"},    {"f16", "", "", "f16"},
                           {"bf16", "", "", "bf16"},  {"dots", "", "bf16", "bf16"},
                           {"q8", "q8", "i8", "f32"}, {"q4", "q4-asymmetric", "i16", "bf16"}};

class TunedCode : public testing::TestWithParam<Types> {
protected:
  static std::vector<Matrix> run(const RandomProgram &program, const std::vector<Batch> &steps,
                                 const std::string &tuning, int threads) {
    auto compiled = CompiledProgram::compile(program, CpuTarget::parse("cpu:native").value(), limits.maxTokens, tuning);
    EXPECT_TRUE(compiled) << tuning << ": " << compiled.error().message;
    std::vector<Matrix> results;
    if (!compiled)
      return results;
    CompiledSession session(**compiled, limits.sequences, limits.slots, threads);
    for (const Batch &step : steps)
      results.push_back(session.run(step));
    return results;
  }

  static constexpr StepLimits limits = {.sequences = 3, .maxTokens = 70, .slots = 250, .vocabSize = decoderVocabSize};
};
} // namespace

TEST_P(TunedCode, ResultsHaveTheSameBits) {
  mlir::DialectRegistry registry;
  registerEverything(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  // An odd number of inputs and of panels.
  RandomProgram program =
      makeDecoder(context, {.heads = 5, .kvHeads = 1, .headDim = 13, .element = GetParam().element});
  mlir::PassManager manager(&context);
  manager.addPass(createQuantizeWeightsPass({.weights = GetParam().weights}));
  manager.addPass(createRoundActivationsPass({.activations = GetParam().activations}));
  ASSERT_TRUE(mlir::succeeded(manager.run(*program.module)));
  std::vector<Batch> steps = makeChainSteps(limits, 3);
  const std::vector<Matrix> expected = run(program, steps, "", 1);
  const std::pair<const char *, int> cases[] = {{"*@rows=7,unroll=2,prefetch=512,dealt=1,panels=3", 2},
                                                {"*@rows=1,unroll=8,prefetch=65536,panels=64", 3},
                                                {"*@rows=4,dealt=2,panels=2", 3}};
  for (const auto &[tuning, threads] : cases) {
    const std::vector<Matrix> found = run(program, steps, tuning, threads);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < steps.size(); ++i)
      EXPECT_EQ(found[i].data, expected[i].data) << tuning << ", step " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TunedCode, testing::ValuesIn(types),
                         [](const testing::TestParamInfo<Types> &info) { return info.param.name; });
