#include "ProgramTest.h"

using namespace yoke;
using testing::HasSubstr;

namespace {
class WeightsTest : public ProgramTest {
protected:
  /// The values of a global with this #llm.weight body and type.
  Result<Matrix> read(const std::string &pieces, const std::string &type) {
    load("ml_program.global private @w(#llm.weight<" + pieces + ">) : " + type);
    WeightProvider provider = piecewiseWeights([](llvm::StringRef name) -> Result<Matrix> {
      if (name == "m")
        return Matrix(6, 2, {0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51});
      if (name == "v")
        return Matrix(4, 1, {1, 2, 3, 4});
      return malformed("there is no {}", name.str());
    });
    return provider(*module->getOps<mlir::ml_program::GlobalOp>().begin());
  }

  void expectValues(const std::string &pieces, const std::string &type, Matrix expected) {
    Result<Matrix> result = read(pieces, type);
    ASSERT_TRUE(result) << result.error().message;
    expectNear(*result, expected, 0);
  }

  void expectError(const std::string &pieces, const std::string &type, const char *message) {
    Result<Matrix> result = read(pieces, type);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Malformed);
    EXPECT_THAT(result.error().message, HasSubstr(message));
  }
};
} // namespace

TEST_F(WeightsTest, WholeTensor) {
  expectValues(R"(#llm.piece<"v", offset = 0, block = 4, stride = 4, count = 1>)", "tensor<4xf32>",
               Matrix(4, 1, {1, 2, 3, 4}));
}

TEST_F(WeightsTest, Constants) {
  load("ml_program.global private @w(dense<1.0> : tensor<3xf32>) : tensor<3xf32>");
  WeightProvider provider = piecewiseWeights([](llvm::StringRef) -> Result<Matrix> { return malformed("unread"); });
  Result<Matrix> result = provider(*module->getOps<mlir::ml_program::GlobalOp>().begin());
  ASSERT_TRUE(result) << result.error().message;
  expectNear(*result, Matrix(3, 1, {1, 1, 1}), 0);
}

TEST_F(WeightsTest, InterleavedBlocks) {
  expectValues(R"(#llm.piece<"m", offset = 1, block = 1, stride = 3, count = 2>)", "tensor<2x2xf32>",
               Matrix(2, 2, {10, 11, 40, 41}));
}

TEST_F(WeightsTest, RowsOfATransposedTensor) {
  expectValues(R"(#llm.piece<"m", offset = 1, block = 1, stride = 1, count = 1, transposed = true>)", "tensor<1x6xf32>",
               Matrix(1, 6, {1, 11, 21, 31, 41, 51}));
}

TEST_F(WeightsTest, SomeColumns) {
  expectValues(R"(#llm.piece<"m", offset = 1, block = 2, stride = 2, count = 1, first_column = 1, columns = 1>)",
               "tensor<2x1xf32>", Matrix(2, 1, {11, 21}));
  expectValues(
      R"(#llm.piece<"m", offset = 0, block = 2, stride = 2, count = 1, transposed = true, first_column = 2, columns = 3>)",
      "tensor<2x3xf32>", Matrix(2, 3, {20, 30, 40, 21, 31, 41}));
  expectError(R"(#llm.piece<"m", offset = 0, block = 1, stride = 1, count = 1, first_column = 1, columns = 2>)",
              "tensor<1x2xf32>", "m: the piece ends at column 2 of 2 columns");
}

TEST_F(WeightsTest, PiecesLieOneBelowTheOther) {
  expectValues(R"(#llm.piece<"m", offset = 4, block = 1, stride = 1, count = 1>,
                  #llm.piece<"m", offset = 0, block = 1, stride = 2, count = 2>)",
               "tensor<3x2xf32>", Matrix(3, 2, {40, 41, 0, 1, 20, 21}));
}

TEST_F(WeightsTest, ARowMayBecomeAVector) {
  expectValues(R"(#llm.piece<"m", offset = 2, block = 1, stride = 1, count = 1>)", "tensor<2xf32>",
               Matrix(2, 1, {20, 21}));
}

TEST_F(WeightsTest, Errors) {
  expectError(R"(#llm.piece<"m", offset = 5, block = 2, stride = 2, count = 1>)", "tensor<2x2xf32>",
              "m: the piece ends at row 6 of 6 rows");
  expectError(R"(#llm.piece<"m", offset = 0, block = 3, stride = 3, count = 1, transposed = true>)", "tensor<3x6xf32>",
              "m: the piece ends at row 2 of 2 rows");
  expectError(R"(#llm.piece<"m", offset = 0, block = 2, stride = 2, count = 1>)", "tensor<3x2xf32>",
              "@w: its pieces hold 4 values, its type 6");
  expectError(R"(#llm.piece<"x", offset = 0, block = 2, stride = 2, count = 1>)", "tensor<2x2xf32>", "there is no x");
  expectError(R"(#llm.piece<"m", offset = 0, block = 2, stride = 2, count = 1>)", "tensor<?x2xf32>",
              "@w: expected a weight of a static shape of rank 1 to 3");
  load("ml_program.global private @w(dense<1> : tensor<2xi32>) : tensor<2xi32>");
  auto result = piecewiseWeights(nullptr)(*module->getOps<mlir::ml_program::GlobalOp>().begin());
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("@w: expected an #llm.weight value"));
}

TEST_F(WeightsTest, RandomWeightsDependOnSeedAndNameAlone) {
  load(R"(
    ml_program.global private @a(dense<0.0> : tensor<3x5xf32>) : tensor<3x5xf32>
    ml_program.global private @b(dense<0.0> : tensor<3x5xf32>) : tensor<3x5xf32>)");
  auto globals = llvm::to_vector(module->getOps<mlir::ml_program::GlobalOp>());
  auto values = [&](uint64_t seed, size_t global) { return randomWeights(seed)(globals[global])->data; };
  EXPECT_EQ(values(1, 0), values(1, 0));
  EXPECT_NE(values(1, 0), values(1, 1));
  EXPECT_NE(values(1, 0), values(2, 0));
  for (float value : values(1, 0))
    EXPECT_LE(std::abs(value), std::sqrt(3.0f / 5));
}
