#include "Factor/LeastSquares.h"

#include <gtest/gtest.h>
#include <random>

using namespace yoke;

namespace {

FloatMatrix randomMatrix(int64_t rows, int64_t columns, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  FloatMatrix matrix(rows, columns);
  for (float &value : matrix.data)
    value = normal(random);
  return matrix;
}

double at(const MatrixView &view, int64_t i, int64_t j) {
  return view.data[i * view.rowStride + j * view.columnStride];
}

void expectProduct(const MatrixView &a, const MatrixView &b) {
  FloatMatrix result(a.rows, b.columns);
  multiply(a, b, result);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < b.columns; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < a.columns; ++k)
        sum += at(a, i, k) * at(b, k, j);
      ASSERT_NEAR(result.row(i)[j], sum, 1e-3) << i << ", " << j;
    }
}

TEST(Multiply, EverySizeAndOrientation) {
  for (auto [rows, inner, columns] : {std::array<int64_t, 3>{1, 1, 1}, {7, 300, 33}, {200, 257, 65}, {6, 0, 32}}) {
    FloatMatrix a = randomMatrix(rows, inner, 1), b = randomMatrix(inner, columns, 2);
    expectProduct(a, b);
    FloatMatrix left = randomMatrix(inner, rows, 3), right = randomMatrix(columns, inner, 4);
    expectProduct(MatrixView(left).transposed(), MatrixView(right).transposed());
  }
}

TEST(Multiply, Accumulates) {
  FloatMatrix a = randomMatrix(5, 9, 1), b = randomMatrix(9, 3, 2), once(5, 3), twice(5, 3);
  multiply(a, b, once);
  multiply(a, b, twice);
  multiply(a, b, twice, /*accumulate=*/true);
  for (size_t i = 0; i < once.data.size(); ++i)
    EXPECT_NEAR(twice.data[i], 2 * once.data[i], 1e-5);
}

TEST(LeastSquares, FindsTheSolution) {
  FloatMatrix x = randomMatrix(400, 40, 1), wanted = randomMatrix(40, 3, 2), gram(40, 40), right(40, 3);
  multiply(MatrixView(x).transposed(), x, gram);
  multiply(gram, wanted, right);
  ASSERT_TRUE(solveDamped(gram, right, 1e-9));
  for (size_t i = 0; i < wanted.data.size(); ++i)
    EXPECT_NEAR(right.data[i], wanted.data[i], 1e-3);
}

TEST(LeastSquares, SingularIsDampedAndNanRefused) {
  FloatMatrix zero(4, 4), right(4, 1);
  EXPECT_TRUE(solveDamped(zero, right, 1e-3));
  zero.row(1)[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(solveDamped(zero, right, 1e-3));
}

} // namespace
