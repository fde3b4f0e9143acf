// Properties of placements of random programs: every kernel is placed, and the program computes the same bits.
#include "Interpreter/Interpreter.h"
#include "LLM/LLM.h"
#include "Partition/Partition.h"
#include "Pipelines.h"
#include "RandomProgram.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace yoke;

namespace {
class PlacementTest : public testing::TestWithParam<std::tuple<uint64_t, const char *>> {
protected:
  std::vector<Matrix> run(RandomProgram &program) {
    Interpreter interpreter(*program.module, program.weights());
    KvCache cache;
    std::vector<Matrix> results;
    for (const Batch &batch : makeRandomSteps(program, std::get<0>(GetParam()))) {
      auto result = interpreter.run("step", batch, cache);
      if (!result) {
        ADD_FAILURE() << program.description << ": " << result.error().message;
        return results;
      }
      results.push_back(std::move(result->front()));
    }
    return results;
  }

  bool apply(mlir::ModuleOp module, llvm::function_ref<void(mlir::PassManager &)> add) {
    mlir::PassManager manager(&context);
    add(manager);
    return succeeded(manager.run(module));
  }

  int64_t kernels(mlir::ModuleOp module, bool placed) {
    int64_t count = 0;
    module.walk([&](llm::FusedOp op) { count += !placed || op->getParentOfType<place::OnOp>(); });
    return count;
  }

  mlir::MLIRContext context;
};

TEST_P(PlacementTest, PlacesEveryKernelOnceAndComputesTheSameBits) {
  auto [seed, target] = GetParam();
  RandomProgram program = makeRandomProgram(context, seed);
  std::string path = std::string(YOKE_SOURCE_DIR) + "/examples/targets/" + target + ".json";
  StageOptions stage;
  ASSERT_TRUE(apply(*program.module, [&](mlir::PassManager &manager) {
    for (const Stage &each : cpuStages().take_front(2))
      each.build(manager, stage);
  }));
  std::vector<Matrix> expected = run(program);
  int64_t count = kernels(*program.module, false);
  // Remarks of the summary are not for the test's output.
  mlir::ScopedDiagnosticHandler quiet(&context, [](mlir::Diagnostic &diagnostic) {
    return mlir::success(diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark);
  });
  ASSERT_TRUE(apply(*program.module, [&](mlir::PassManager &manager) {
    PartitionPassOptions partition;
    partition.target = path;
    partition.context = 64;
    manager.addPass(createPartitionPass(partition));
    manager.addPass(createCheckPlacementPass({.target = path, .context = 64}));
  })) << program.description;
  EXPECT_EQ(kernels(*program.module, true), count);
  EXPECT_EQ(kernels(*program.module, false), count);
  ASSERT_TRUE(apply(*program.module, [](mlir::PassManager &manager) { manager.addPass(createErasePlacementPass()); }));
  std::vector<Matrix> actual = run(program);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_EQ(actual[i].data, expected[i].data) << program.description;
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlacementTest,
                         testing::Combine(testing::Range<uint64_t>(0, 20), testing::Values("neupims", "a100")));
} // namespace
