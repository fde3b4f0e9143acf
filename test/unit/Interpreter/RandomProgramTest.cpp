#include "RandomProgram.h"
#include "Checkpoint/Checkpoint.h"
#include "ProgramTest.h"

#include <cmath>
#include <filesystem>

using namespace yoke;

namespace {
class RandomProgramTest : public testing::TestWithParam<uint64_t> {
protected:
  std::vector<Matrix> runSteps(RandomProgram &program, const WeightProvider &weights) {
    Interpreter interpreter(*program.module, weights);
    KvCache cache;
    std::vector<Matrix> results;
    for (const Batch &batch : makeRandomSteps(program, GetParam())) {
      auto result = interpreter.run("step", batch, cache);
      if (!result || result->size() != 1) {
        ADD_FAILURE() << program.description << ": " << (result ? "not one result" : result.error().message);
        return results;
      }
      EXPECT_EQ(result->front().rows, static_cast<int64_t>(batch.outputs.size()));
      results.push_back(std::move(result->front()));
    }
    return results;
  }

  mlir::MLIRContext context;
};
} // namespace

TEST_P(RandomProgramTest, IsValidAndRunsToFiniteValues) {
  RandomProgram program = makeRandomProgram(context, GetParam());
  ASSERT_TRUE(program.module) << program.description;
  for (const Matrix &result : runSteps(program, program.weights()))
    for (float value : result.data)
      ASSERT_TRUE(std::isfinite(value)) << program.description;
}

TEST_P(RandomProgramTest, RunsTheSameFromACheckpointFolder) {
  RandomProgram program = makeRandomProgram(context, GetParam());
  std::string folder = testing::TempDir() + fmt::format("yoke-random-program-{}", GetParam());
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(program.writeCheckpoint(folder));
  auto checkpoint = Checkpoint::open(folder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  std::vector<Matrix> expected = runSteps(program, program.weights());
  std::vector<Matrix> actual = runSteps(program, checkpointWeights(*checkpoint));
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_EQ(actual[i].data, expected[i].data) << program.description;
  std::filesystem::remove_all(folder);
}

TEST_P(RandomProgramTest, IsTheSameForTheSameSeed) {
  auto print = [&](RandomProgram program) {
    std::string text;
    llvm::raw_string_ostream(text) << *program.module;
    return text;
  };
  EXPECT_EQ(print(makeRandomProgram(context, GetParam())), print(makeRandomProgram(context, GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomProgramTest, testing::Range<uint64_t>(0, 60));
