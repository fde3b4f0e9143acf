// Beside the ops: binding of values, regions, slices, rounding, and errors.
#include "ProgramTest.h"

using namespace yoke;
using testing::HasSubstr;

namespace {
using InterpreterTest = ProgramTest;

WeightProvider constantWeights(Matrix values) {
  return [values](mlir::ml_program::GlobalOp) -> Result<Matrix> { return values; };
}
} // namespace

static const char *linearText = R"(
  ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 2, stride = 2, count = 1>>) : tensor<2x3xbf16>
  func.func @f(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
    %w = ml_program.global_load_const @w : tensor<2x3xbf16>
    %y = llm.linear %x, %w : (tensor<?x3xf32>, tensor<2x3xbf16>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })";

TEST_F(InterpreterTest, LinearWithAGlobal) {
  load(linearText, constantWeights(Matrix(2, 3, {1, 2, 3, -1, 0.5, 0})));
  expectNear(run(chainOf(2), {Matrix(2, 3, {1, 1, 1, 2, 4, 0})}), Matrix(2, 2, {6, -0.5, 10, 0}));
}

TEST_F(InterpreterTest, WeightsAreRoundedToTheirTypeTiesToEven) {
  // bf16 has 8 significant bits: 257 lies between 256 and 258, 259 between 258 and 260.
  load(linearText, constantWeights(Matrix(2, 3, {257, 0, 0, 259, 0, 0})));
  expectNear(run(chainOf(1), {Matrix(1, 3, {1, 0, 0})}), Matrix(1, 2, {256, 260}));
}

TEST_F(InterpreterTest, AWeightIsAskedForOnce) {
  int calls = 0;
  load(linearText, [&](mlir::ml_program::GlobalOp) -> Result<Matrix> { return ++calls, Matrix(2, 3); });
  run(chainOf(1), {Matrix(1, 3)});
  run(chainOf(1), {Matrix(1, 3)});
  EXPECT_EQ(calls, 1);
}

TEST_F(InterpreterTest, AnErrorOfTheProviderIsReturned) {
  load(linearText, [](mlir::ml_program::GlobalOp) -> Result<Matrix> { return malformed("no such weight"); });
  EXPECT_EQ(runError(chainOf(1), {Matrix(1, 3)}), "no such weight");
}

TEST_F(InterpreterTest, AWeightOfTheWrongShapeIsAnError) {
  load(linearText, constantWeights(Matrix(3, 2)));
  EXPECT_THAT(runError(chainOf(1), {Matrix(1, 3)}), HasSubstr("a value of 3 x 2 where the type says 2 x 3"));
}

TEST_F(InterpreterTest, SumsAreDouble) {
  load(R"(func.func @f(%x: tensor<?x3xf32>, %w: tensor<1x3xf32>) -> tensor<?x1xf32> {
    %y = llm.linear %x, %w : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  })");
  expectNear(run(chainOf(1), {Matrix(1, 3, {1e8f, 1, -1e8f}), Matrix(1, 3, {1, 1, 1})}), Matrix(1, 1, {1}), 0);
}

TEST_F(InterpreterTest, NarrowActivationsAreRounded) {
  load(R"(func.func @f(%x: tensor<?x2xbf16>) -> tensor<?x2xbf16> {
    %y = arith.addf %x, %x : tensor<?x2xbf16>
    %z = llm.scale %y {factor = 1.0078125 : f32} : tensor<?x2xbf16>
    return %z : tensor<?x2xbf16>
  })");
  // 3 * 1.0078125 = 3.0234375 lies between 3.015625 and 3.03125, the tie goes to the even one.
  expectNear(run(chainOf(1), {Matrix(1, 2, {1.5f, 0.25f})}), Matrix(1, 2, {3.03125f, 0.50390625f}), 0);
}

TEST_F(InterpreterTest, ColumnRangesAndCasts) {
  load(R"(func.func @f(%x: tensor<?x5xf32>) -> tensor<?x2xf32> {
    %zero = arith.constant 0 : index
    %rows = tensor.dim %x, %zero : tensor<?x5xf32>
    %y = tensor.extract_slice %x[0, 2] [%rows, 2] [1, 1] : tensor<?x5xf32> to tensor<?x2xf32>
    %z = tensor.cast %y : tensor<?x2xf32> to tensor<2x2xf32>
    %u = tensor.extract_slice %z[0, 0] [2, 2] [1, 1] : tensor<2x2xf32> to tensor<2x2xf32>
    %v = tensor.cast %u : tensor<2x2xf32> to tensor<?x2xf32>
    return %v : tensor<?x2xf32>
  })");
  expectNear(run(chainOf(2), {Matrix(2, 5, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})}), Matrix(2, 2, {2, 3, 7, 8}));
  EXPECT_THAT(runError(chainOf(3), {Matrix(3, 5)}), HasSubstr("a value of 3 x 2 where the type says 2 x 2"));
}

TEST_F(InterpreterTest, DimensionsOfTokensAndColumns) {
  load(R"(func.func @f(%tokens: tensor<?xi32>, %x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %zero = arith.constant 0 : index
    %rows = tensor.dim %tokens, %zero : tensor<?xi32>
    %y = tensor.extract_slice %x[0, 0] [%rows, 3] [1, 1] : tensor<?x3xf32> to tensor<?x3xf32>
    return %y : tensor<?x3xf32>
  })");
  expectNear(run(chainOf(2), {Matrix(2, 3, {0, 1, 2, 3, 4, 5})}), Matrix(2, 3, {0, 1, 2, 3, 4, 5}));
  EXPECT_THAT(runError(chainOf(1), {Matrix(2, 3)}), HasSubstr("only ranges of columns over all rows"));
}

TEST_F(InterpreterTest, OtherSlicesAreErrors) {
  for (const char *slice : {"%x[1, 0] [2, 4] [1, 1] : tensor<3x4xf32> to tensor<2x4xf32>",
                            "%x[0, 0] [2, 4] [1, 1] : tensor<3x4xf32> to tensor<2x4xf32>",
                            "%x[0, 0] [3, 2] [1, 2] : tensor<3x4xf32> to tensor<3x2xf32>",
                            "%x[0, 0] [3, 1] [1, 1] : tensor<3x4xf32> to tensor<3xf32>"}) {
    load(std::string("func.func @f(%x: tensor<3x4xf32>) {\n %y = tensor.extract_slice ") + slice + "\n return\n}");
    EXPECT_THAT(runError(chainOf(3), {Matrix(3, 4)}), HasSubstr("only ranges of columns over all rows")) << slice;
  }
}

TEST_F(InterpreterTest, AFusedRegionComputesWhatItsOpsCompute) {
  load(R"(func.func @f(%x: tensor<?x2xf32>, %b: tensor<2xf32>) -> tensor<?x2xf32> {
    %y:2 = llm.fused "scale.bias" (%x, %b) : (tensor<?x2xf32>, tensor<2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
    ^bb0(%x0: tensor<?x2xf32>, %b0: tensor<2xf32>):
      %s = llm.scale %x0 {factor = 3.0 : f32} : tensor<?x2xf32>
      %t = llm.bias %s, %b0 : tensor<?x2xf32>, tensor<2xf32>
      llm.yield %s, %t : tensor<?x2xf32>, tensor<?x2xf32>
    }
    %z = arith.subf %y#1, %y#0 : tensor<?x2xf32>
    return %z : tensor<?x2xf32>
  })");
  expectNear(run(chainOf(1), {Matrix(1, 2, {1, 2}), Matrix(2, 1, {10, 20})}), Matrix(1, 2, {10, 20}));
}

TEST_F(InterpreterTest, LmHeadGathersTheWantedRows) {
  load(R"(func.func @f(%x: tensor<?x1xf32>, %w: tensor<2x1xf32>, %batch: !llm.batch) -> tensor<?x2xf32> {
    %y = llm.lm_head %x, %w, %batch : (tensor<?x1xf32>, tensor<2x1xf32>, !llm.batch) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })");
  Batch batch = chainOf(3);
  batch.outputs = {2, 0};
  Matrix x(3, 1, {1, 2, 3}), w(2, 1, {1, -1});
  expectNear(run(batch, {x, w}), Matrix(2, 2, {3, -3, 1, -1}));
  batch.outputs = {};
  expectNear(run(batch, {x, w}), Matrix(0, 2));
}

TEST_F(InterpreterTest, AnIdOutsideTheTableIsAnErrorWithItsPlace) {
  load(R"(func.func @f(%tokens: tensor<?xi32>, %t: tensor<4x1xf32>) -> tensor<?x1xf32> {
    %x = llm.embedding %tokens, %t {offset = 2 : i64} : (tensor<?xi32>, tensor<4x1xf32>) -> tensor<?x1xf32>
    return %x : tensor<?x1xf32>
  })");
  EXPECT_EQ(runError(chainOf(3), {Matrix(4, 1)}),
            "llm.embedding at loc(\"test.mlir\":2:10): id 2 with offset 2 is outside the table of 4 rows");
}

TEST_F(InterpreterTest, AnUnknownOpIsAnErrorWithItsPlace) {
  load(R"(func.func @f(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %y = math.exp %x : tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  })");
  EXPECT_EQ(runError(chainOf(1), {Matrix(1, 1)}), "math.exp at loc(\"test.mlir\":2:10): this op is not interpreted");
}

TEST_F(InterpreterTest, ScalarArithmeticAndOtherConstantsAreErrors) {
  load("func.func @f() {\n %c = arith.constant 1.0 : f32\n return\n}");
  EXPECT_THAT(runError(chainOf(1)), HasSubstr("only constants of type index"));
  load("func.func @f(%i: index) {\n return\n}");
  EXPECT_THAT(runError(chainOf(1)), HasSubstr("no value for argument 0"));
}

TEST_F(InterpreterTest, ElementwiseNeedsEqualSizesAtRunTime) {
  load(R"(func.func @f(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %z = arith.addf %x, %y : tensor<?x1xf32>
    return %z : tensor<?x1xf32>
  })");
  EXPECT_THAT(runError(chainOf(1), {Matrix(1, 1), Matrix(2, 1)}), HasSubstr("operands of different sizes"));
}

TEST_F(InterpreterTest, MissingFunctionsAndInputsAreErrors) {
  load("func.func private @f(tensor<?x1xf32>)");
  EXPECT_THAT(runError(chainOf(1)), HasSubstr("no function @f with a body"));
  load("func.func @f(%x: tensor<?x1xf32>) {\n return\n}");
  EXPECT_THAT(runError(chainOf(1)), HasSubstr("no value for argument 0"));
  EXPECT_THAT(runError(chainOf(1), {Matrix(1, 2)}), HasSubstr("a value of 1 x 2 where the type says ? x 1"));
}

TEST_F(InterpreterTest, ABatchThatBreaksTheRulesIsAnError) {
  load("func.func @f() {\n return\n}");
  Batch batch = chainOf(2);
  batch.parents[0] = 1;
  EXPECT_THAT(runError(batch), HasSubstr("parent 1 is not an earlier token"));
}
