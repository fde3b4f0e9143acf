// The moe ops: which experts are chosen, with which weights, and what their sum is.
#include "ProgramTest.h"

#include <cmath>
#include <limits>

using namespace yoke;

namespace {
using ExpertsTest = ProgramTest;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float noNumber = std::numeric_limits<float>::quiet_NaN();

/// Experts that multiply a row of one column by their number plus one: what a token gets is the sum of weight * (expert
/// + 1).
std::string routedSum(const std::string &route) {
  return R"(func.func @f(%logits: tensor<?x4xf32>, %x: tensor<?x1xf32>, %m: tensor<4x1x1xf32>) -> tensor<?x1xf32> {
    %w, %e = moe.route )" +
         route + R"( : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
    %y = moe.experts %x, %w, %e, (%m) : (tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x1x1xf32>) -> tensor<?x1xf32> {
    ^bb0(%row: tensor<?x1xf32>, %one: tensor<1x1xf32>):
      %z = llm.linear %row, %one : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
      moe.yield %z : tensor<?x1xf32>
    }
    return %y : tensor<?x1xf32>
  })";
}

const Matrix factors(4, 1, {1, 2, 3, 4});

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

float softmax(float logit, std::initializer_list<float> all) {
  float sum = 0;
  for (float each : all)
    sum += std::exp(each);
  return std::exp(logit) / sum;
}
} // namespace

TEST_F(ExpertsTest, SoftmaxOverAllExperts) {
  load(routedSum("softmax %logits {top_k = 2}"));
  Matrix logits(1, 4, {0, 2, -1, 1});
  float first = softmax(2, {0, 2, -1, 1}), second = softmax(1, {0, 2, -1, 1});
  expectNear(run(chainOf(1), {logits, Matrix(1, 1, {10}), factors}), Matrix(1, 1, {10 * (2 * first + 4 * second)}),
             1e-5f);
}

TEST_F(ExpertsTest, NormalizedWeightsAreTheSoftmaxOfTheChosen) {
  Matrix logits(2, 4, {0, 2, -1, 1, 5, 4, 3, 2});
  float first = softmax(2, {2, 1}), other = softmax(5, {5, 4});
  Matrix expected(2, 1, {2 * first + 4 * (1 - first), other + 2 * (1 - other)});
  for (const char *route : {"softmax %logits {top_k = 2, normalize}", "softmax_chosen %logits {top_k = 2}"}) {
    load(routedSum(route));
    expectNear(run(chainOf(2), {logits, Matrix(2, 1, {1, 1}), factors}), expected);
  }
}

TEST_F(ExpertsTest, SigmoidAndScale) {
  load(routedSum("sigmoid %logits {top_k = 2, scale = 2.5 : f32}"));
  expectNear(run(chainOf(1), {Matrix(1, 4, {0.5, -2, 1.5, -3}), Matrix(1, 1, {1}), factors}),
             Matrix(1, 1, {2.5f * (3 * sigmoid(1.5) + sigmoid(0.5))}));
}

namespace {
/// routedSum with a bias for the choice.
std::string biasedSum(const std::string &attributes) {
  std::string program = routedSum("sigmoid %logits bias %b : tensor<4xf32> " + attributes);
  return program.replace(program.find("%x: "), 0, "%b: tensor<4xf32>, ");
}
} // namespace

TEST_F(ExpertsTest, ABiasChangesTheChoiceAlone) {
  load(biasedSum("{top_k = 2}"));
  Matrix logits(1, 4, {0.5, -2, 1.5, -3}), bias(4, 1, {0, 0, -1, 1});
  expectNear(run(chainOf(1), {logits, bias, Matrix(1, 1, {1}), factors}),
             Matrix(1, 1, {4 * sigmoid(-3) + sigmoid(0.5)}));
}

TEST_F(ExpertsTest, OnlyExpertsOfTheTopGroupsAreChosen) {
  Matrix logits(1, 4, {2, -9, 1, 1.5});
  load(routedSum("sigmoid %logits {top_k = 2, groups = 2}"));
  expectNear(run(chainOf(1), {logits, Matrix(1, 1, {1}), factors}), Matrix(1, 1, {sigmoid(2) + 2 * sigmoid(-9)}));
  load(routedSum("sigmoid %logits {top_k = 2, groups = 2, pairs}"));
  expectNear(run(chainOf(1), {logits, Matrix(1, 1, {1}), factors}), Matrix(1, 1, {4 * sigmoid(1.5) + 3 * sigmoid(1)}));
  load(routedSum("sigmoid %logits {top_k = 2, groups = 2, top_groups = 2, pairs}"));
  expectNear(run(chainOf(1), {logits, Matrix(1, 1, {1}), factors}), Matrix(1, 1, {sigmoid(2) + 4 * sigmoid(1.5)}));
}

TEST_F(ExpertsTest, TiesGoToTheLowestNumberAndNoNumberComesLast) {
  load(routedSum("softmax_chosen %logits {top_k = 2}"));
  Matrix logits(3, 4, {1, 7, 7, 7, 0, 0, 0, 0, noNumber, -5, -5, -infinity});
  expectNear(run(chainOf(3), {logits, Matrix(3, 1, {1, 1, 1}), factors}), Matrix(3, 1, {2.5, 1.5, 2.5}));
}

TEST_F(ExpertsTest, ANumberThatIsNoneSpoilsItsRowAlone) {
  load(routedSum("softmax %logits {top_k = 2, normalize}"));
  Matrix logits(2, 4, {noNumber, 1, 2, 3, 9, 9, 0, 0});
  Matrix result = run(chainOf(2), {logits, Matrix(2, 1, {1, 1}), factors});
  ASSERT_EQ(result.rows, 2);
  EXPECT_TRUE(std::isnan(result.at(0, 0)));
  EXPECT_NEAR(result.at(1, 0), 1.5f, 1e-6f);
}

TEST_F(ExpertsTest, RowsAreScaledByTheirFactors) {
  load(R"(func.func @f(%x: tensor<?x2xf32>, %g: tensor<?x1xf32>) -> tensor<?x2xf32> {
    %y = moe.scale_rows %x, %g : tensor<?x2xf32>, tensor<?x1xf32>
    return %y : tensor<?x2xf32>
  })");
  expectNear(run(chainOf(2), {Matrix(2, 2, {1, 2, 3, 4}), Matrix(2, 1, {0.5, -2})}), Matrix(2, 2, {0.5, 1, -6, -8}));
}
