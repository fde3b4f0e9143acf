// Ops that treat each head of a row alone.
#include "ProgramTest.h"

using namespace yoke;

namespace {
using HeadsTest = ProgramTest;
} // namespace

TEST_F(HeadsTest, EachHeadHasAMatrixOfItsOwn) {
  load(R"(func.func @f(%x: tensor<?x6xf32>, %w: tensor<2x1x2xf32>) -> tensor<?x2xf32> {
    %y = llm.head_linear %x, %w {first = 1} : (tensor<?x6xf32>, tensor<2x1x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })");
  expectNear(run(chainOf(1), {Matrix(1, 6, {9, 1, 2, 9, 3, 4}), Matrix(2, 2, {1, 10, 100, 1000})}),
             Matrix(1, 2, {21, 4300}));
}

TEST_F(HeadsTest, HeadsLieOneBehindTheOther) {
  load(R"(func.func @f(%a: tensor<?x2xf32>, %b: tensor<?x4xf32>) -> tensor<?x6xf32> {
    %y = llm.concat_heads %a, %b {heads = 2} : tensor<?x2xf32>, tensor<?x4xf32>
    return %y : tensor<?x6xf32>
  })");
  expectNear(run(chainOf(2), {Matrix(2, 2, {1, 2, 7, 8}), Matrix(2, 4, {3, 4, 5, 6, 9, 10, 11, 12})}),
             Matrix(2, 6, {1, 3, 4, 2, 5, 6, 7, 9, 10, 8, 11, 12}));
}
