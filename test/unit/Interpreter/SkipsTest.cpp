// llm.ffn_skip: who computes, who skips, for how long.
#include "ProgramTest.h"

using namespace yoke;

namespace {
using SkipsTest = ProgramTest;

/// `blocks` blocks that add a row's multiple by 0, 1, 10, ... (so that it stays parallel to itself).
std::string blocks(int count, const std::string &policy) {
  std::string text = R"(func.func @f(%x0: tensor<?x2xf32>, %w: tensor<2x2xf32>, %batch: !llm.batch) -> tensor<?x2xf32> {
    %p = llm.positions %batch : tensor<?xi32>)";
  for (int i = 0; i < count; ++i)
    text += fmt::format(R"(
    %x{1}, %l{1} = llm.ffn_skip %x{0} {2} at %p {3} : tensor<?x2xf32> {{
    ^bb0(%rows: tensor<?x2xf32>):
      %d = llm.linear %rows, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
      llm.yield %d : tensor<?x2xf32>
    }})",
                        i, i + 1, i ? fmt::format("after %l{}", i) : "", policy);
  return text + fmt::format("\n    return %x{} : tensor<?x2xf32>\n  }}", count);
}

const Matrix doubling(2, 2, {1, 0, 0, 1}); ///< x + x: cosine 1
const Matrix turning(2, 2, {0, -1, 1, 0}); ///< x plus x turned by 90 degrees: cosine 0.707
} // namespace

TEST_F(SkipsTest, ARowSkipsKBlocksAndIsMeasuredAnew) {
  load(blocks(6, "{warm_up = 0, tau = 0.9 : f32, k = 2}"));
  // Computes, skips two, computes, skips two.
  expectNear(run(chainOf(1), {Matrix(1, 2, {1, 3}), doubling}), Matrix(1, 2, {4, 12}));
}

TEST_F(SkipsTest, RowsBelowTheThresholdComputeAll) {
  load(blocks(2, "{warm_up = 0, tau = 0.9 : f32, k = 2}"));
  expectNear(run(chainOf(1), {Matrix(1, 2, {1, 0}), turning}), Matrix(1, 2, {0, 2}));
}

TEST_F(SkipsTest, EachRowGoesItsOwnWayAndWarmUpRowsComputeAll) {
  load(blocks(3, "{warm_up = 2, tau = 0.9 : f32, k = 1}"));
  Matrix x(4, 2, {1, 0, 1, 0, 1, 0, 0, 5});
  expectNear(run(chainOf(4), {x, doubling}), Matrix(4, 2, {8, 0, 8, 0, 4, 0, 0, 20}));
}

TEST_F(SkipsTest, RecordingSkipsNothing) {
  load(blocks(3, "{warm_up = 0, tau = 0.0 : f32, k = 3, record}"));
  expectNear(run(chainOf(1), {Matrix(1, 2, {1, 0}), doubling}), Matrix(1, 2, {8, 0}));
}
