#include "ProgramTest.h"

using namespace yoke;
using testing::HasSubstr;

namespace {
using InterpreterTest = ProgramTest;
}

static const char *linearText = R"(
  ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 2, stride = 2, count = 1>>) : tensor<2x3xbf16>
  func.func @f(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
    %w = ml_program.global_load_const @w : tensor<2x3xbf16>
    %y = llm.linear %x, %w : (tensor<?x3xf32>, tensor<2x3xbf16>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })";

TEST_F(InterpreterTest, LinearWithAGlobal) {
  load(linearText, [](mlir::ml_program::GlobalOp) { return Matrix(2, 3, {1, 2, 3, -1, 0.5, 0}); });
  expectNear(run(chainOf(2), {Matrix(2, 3, {1, 1, 1, 2, 4, 0})}), Matrix(2, 2, {6, -0.5, 10, 0}));
}
