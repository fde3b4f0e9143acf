// Result types are inferred from the operands.
#include "LLM/LLM.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace yoke;

namespace {
class BuildersTest : public testing::Test {
protected:
  BuildersTest() : builder(&context) {
    context.loadDialect<llm::LLMDialect>();
    module = ModuleOp::create(builder.getUnknownLoc());
    builder.setInsertionPointToStart(module->getBody());
  }

  RankedTensorType tensor(std::initializer_list<int64_t> shape) {
    return RankedTensorType::get(shape, builder.getF32Type());
  }
  Value value(Type type) {
    return UnrealizedConversionCastOp::create(builder, builder.getUnknownLoc(), type, ValueRange{}).getResult(0);
  }

  MLIRContext context;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
};
constexpr int64_t dynamic = ShapedType::kDynamic;
} // namespace

TEST_F(BuildersTest, Projections) {
  Value x = value(tensor({dynamic, 8})), weight = value(tensor({5, 8})), batch = value(llm::BatchType::get(&context));
  EXPECT_EQ(llm::LinearOp::create(builder, x.getLoc(), x, weight, Value(), TypeAttr()).getType(), tensor({dynamic, 5}));
  EXPECT_EQ(
      llm::LmHeadOp::create(builder, x.getLoc(), value(tensor({3, 8})), weight, batch, Value(), TypeAttr()).getType(),
      tensor({dynamic, 5}));
}

TEST_F(BuildersTest, RopeTable) {
  Value batch = value(llm::BatchType::get(&context));
  auto rope = llm::RopeAttr::get(&context, {1.0f, 0.5f, 0.25f}, 1.0f);
  EXPECT_EQ(llm::RopeTableOp::create(builder, batch.getLoc(), batch, rope).getType(), tensor({dynamic, 6}));
}

TEST_F(BuildersTest, RowOpsKeepTheType) {
  Value x = value(tensor({dynamic, 8}));
  EXPECT_EQ(llm::ScaleOp::create(builder, x.getLoc(), x, builder.getF32FloatAttr(2)).getType(), x.getType());
  EXPECT_EQ(llm::GatedOp::create(builder, x.getLoc(), llm::ActivationKind::silu, x, x).getType(), x.getType());
}

TEST_F(BuildersTest, HeadSizeOfAttention) {
  Value q = value(tensor({dynamic, 24})), kv = value(tensor({dynamic, 8})),
        batch = value(llm::BatchType::get(&context));
  auto number = [&](int64_t n) { return builder.getI64IntegerAttr(n); };
  auto op = llm::AttentionOp::create(
      builder, q.getLoc(), q, kv, kv, batch, Value(), number(3), number(1), builder.getF32FloatAttr(1), number(0),
      llm::AttentionMaskAttr::get(&context, llm::AttentionMask::causal), IntegerAttr(), FloatAttr());
  EXPECT_EQ(op.getHeadDim(), 8);
  EXPECT_EQ(op.getResult().getType(), q.getType());
  EXPECT_FALSE(op.getNewCache());
}
