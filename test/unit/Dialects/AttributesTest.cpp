#include "LLM/LLM.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

using namespace mlir;
using namespace yoke;

namespace {
class AttributesTest : public testing::Test {
protected:
  AttributesTest() { context.loadDialect<llm::LLMDialect>(); }
  MLIRContext context;
};

template <class T> std::string print(T value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}
} // namespace

TEST_F(AttributesTest, FloatsOfARopeReadBackExactly) {
  std::mt19937 engine(11);
  std::vector<float> values{0.0f,   -0.0f,       1.0f,       1e-5f, 3.40282347e38f, 1.17549435e-38f,
                            1e-45f, 16777216.0f, 123456.789f};
  while (values.size() < 4000)
    if (float value = std::bit_cast<float>(static_cast<uint32_t>(engine())); std::isfinite(value))
      values.push_back(value);
  auto rope = llm::RopeAttr::get(&context, values, values[20], values, values[21], 4096);
  EXPECT_EQ(parseAttribute(print(rope), &context), rope);
}

TEST_F(AttributesTest, FloatsOfARopePrintShort) {
  EXPECT_EQ(print(llm::RopeAttr::get(&context, {1.0f, 0.1f, 0.25f, 1e-5f, 100.0f, 1e10f, -2.5f}, 1.0f)),
            "#llm.rope<frequencies = [1.0, 0.1, 0.25, 1.0e-05, 1.0e+02, 1.0e+10, -2.5], magnitude = 1.0>");
}

TEST_F(AttributesTest, RowsOfAPiece) {
  auto piece = llm::PieceAttr::get(&context, "qkv", 4, 2, 6, 3, false);
  EXPECT_EQ(piece.getRows(), 6);
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < piece.getRows(); ++row)
    rows.push_back(piece.sourceRow(row));
  EXPECT_EQ(rows, (std::vector<int64_t>{4, 5, 10, 11, 16, 17}));
  EXPECT_EQ(llm::WeightAttr::get(&context, {piece, piece}).getRows(), 12);
}

TEST_F(AttributesTest, DamagedTextIsRefused) {
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
  for (const char *text :
       {"#llm.rope<>", "#llm.rope<frequencies>", "#llm.rope<frequencies = 1.0>", "#llm.rope<frequencies = [x]>",
        "#llm.rope<frequencies = [1.0], long_from = 1.5>", "#llm.weight<>", "#llm.weight<1>", "#llm.piece<w>",
        "#llm.piece<\"w\">", "#llm.layout<offset = 0>", "#llm.mask<diagonal>", "#llm.nothing"})
    EXPECT_FALSE(parseAttribute(text, &context)) << text;
}
