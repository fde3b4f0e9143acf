//===- LLMDecompose.cpp - llm ops as destination-style linalg -------------===//
#include "LLM/LLMDecompose.h"

#include "LLM/LLM.h"
#include "LLM/LLMElementwise.h"
#include "LLM/RowsBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace yoke::llm;

namespace {

int64_t columnsOf(Value x) { return cast<RankedTensorType>(x.getType()).getShape().back(); }
Type elementOf(Value x) { return cast<RankedTensorType>(x.getType()).getElementType(); }

Value add(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::AddFOp::create(b, x, y); }
Value sub(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::SubFOp::create(b, x, y); }
Value mul(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::MulFOp::create(b, x, y); }
Value constant(ImplicitLocOpBuilder &b, const APFloat &value) {
  return emitConstant(b, b.getF32Type(), value.convertToDouble());
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

/// The rows of `op`, whose operands of rank 1 stand for every row, of what `body` makes of the elements.
Value elementwise(RowsBuilder &b, Operation *op, RowsBuilder::Body body) {
  SmallVector<Read> reads;
  for (Value operand : op->getOperands()) {
    bool isVector = cast<RankedTensorType>(operand.getType()).getRank() == 1;
    reads.push_back({operand, isVector ? SmallVector<unsigned>{1} : SmallVector<unsigned>{0, 1}});
  }
  return b.map(reads, {columnsOf(op->getResult(0))}, elementOf(op->getResult(0)), body);
}

FailureOr<Value> decompose(ActivationOp op, RowsBuilder &b) {
  return elementwise(b, op,
                     [&](ImplicitLocOpBuilder &b, ValueRange x) { return emitActivation(b, op.getKind(), x[0]); });
}

FailureOr<Value> decompose(GatedOp op, RowsBuilder &b) {
  return elementwise(b, op, [&](ImplicitLocOpBuilder &b, ValueRange x) {
    return mul(b, emitActivation(b, op.getKind(), x[0]), x[1]);
  });
}

FailureOr<Value> decompose(ScaleOp op, RowsBuilder &b) {
  return elementwise(b, op,
                     [&](ImplicitLocOpBuilder &b, ValueRange x) { return mul(b, x[0], constant(b, op.getFactor())); });
}

FailureOr<Value> decompose(SoftcapOp op, RowsBuilder &b) {
  return elementwise(b, op, [&](ImplicitLocOpBuilder &b, ValueRange x) {
    return emitSoftcap(b, op.getCap().convertToDouble(), x[0]);
  });
}

FailureOr<Value> decompose(BiasOp op, RowsBuilder &b) {
  return elementwise(b, op, [](ImplicitLocOpBuilder &b, ValueRange x) { return add(b, x[0], x[1]); });
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

FailureOr<Value> decompose(EmbeddingOp op, RowsBuilder &b) {
  if (!isa<FloatType>(elementOf(op.getTable())))
    return failure();
  return b.map({{op.getIds(), {0}}}, {columnsOf(op.getResult())}, elementOf(op.getResult()),
               [&](ImplicitLocOpBuilder &b, ValueRange id) -> Value {
                 Value row = arith::IndexCastOp::create(b, b.getIndexType(), id[0]);
                 if (int64_t offset = static_cast<int64_t>(op.getOffset()))
                   row = arith::AddIOp::create(b, row, arith::ConstantIndexOp::create(b, offset));
                 return tensor::ExtractOp::create(b, op.getTable(), ValueRange{row, linalg::IndexOp::create(b, 1)});
               });
}

FailureOr<Value> decompose(LinearOp op, RowsBuilder &b) {
  if (!isa<FloatType>(elementOf(op.getWeight())))
    return failure();
  int64_t outputs = columnsOf(op.getResult());
  auto same = [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; };
  Value sums;
  if (op.getBias())
    sums = b.map({{op.getBias(), {1}}}, {outputs}, b.getF32Type(), same);
  else
    sums = linalg::FillOp::create(b, emitConstant(b, b.getF32Type(), 0.0), b.empty({outputs}, b.getF32Type()))
               .getResult(0);
  sums = linalg::MatmulTransposeBOp::create(b, b.getLoc(), ValueRange{op.getX(), op.getWeight()}, ValueRange{sums})
             ->getResult(0);
  Type element = elementOf(op.getResult());
  return element.isF32() ? sums : b.map({{sums, {0, 1}}}, {outputs}, element, same);
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// 1 / sqrt(sum / count + epsilon) for each element of `sums`, which has the shape [rows, columns].
Value inverseRoots(RowsBuilder &b, Value sums, ArrayRef<int64_t> columns, int64_t count, const APFloat &epsilon) {
  auto loops = llvm::to_vector(llvm::seq<unsigned>(1 + columns.size()));
  return b.map({{sums, loops}}, columns, b.getF32Type(), [&](ImplicitLocOpBuilder &b, ValueRange sum) -> Value {
    Type f32 = b.getF32Type();
    Value mean = arith::DivFOp::create(b, sum[0], emitConstant(b, f32, static_cast<double>(count)));
    Value root = math::SqrtOp::create(b, add(b, mean, constant(b, epsilon)));
    return arith::DivFOp::create(b, emitConstant(b, f32, 1.0), root);
  });
}

FailureOr<Value> decompose(RmsNormOp op, RowsBuilder &b) {
  int64_t width = columnsOf(op.getX()), group = columnsOf(op.getScale());
  bool isWhole = group == width;
  Value x = isWhole ? op.getX() : b.splitColumns(op.getX(), group);
  SmallVector<int64_t> columns = isWhole ? SmallVector<int64_t>{width} : SmallVector<int64_t>{width / group, group};
  auto loops = llvm::to_vector(llvm::seq<unsigned>(1 + columns.size()));
  SmallVector<unsigned> outer(ArrayRef<unsigned>(loops).drop_back());

  Value squares =
      b.sum({{x, loops}}, columns, [](ImplicitLocOpBuilder &b, ValueRange x) { return mul(b, x[0], x[0]); });
  Value inverse = inverseRoots(b, squares, ArrayRef(columns).drop_back(), group, op.getEpsilon());
  Value y = b.map({{x, loops}, {inverse, outer}, {op.getScale(), {loops.back()}}}, columns, elementOf(op.getX()),
                  [&](ImplicitLocOpBuilder &b, ValueRange in) {
                    Value scale = in[2];
                    if (!op.getScaleOffset().isZero())
                      scale = add(b, scale, constant(b, op.getScaleOffset()));
                    return mul(b, mul(b, in[0], in[1]), scale);
                  });
  return isWhole ? y : b.joinColumns(y);
}

FailureOr<Value> decompose(LayerNormOp op, RowsBuilder &b) {
  Value x = op.getX();
  int64_t width = columnsOf(x);
  Value total = b.sum({{x, {0, 1}}}, {width}, [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
  Value mean = b.map({{total, {0}}}, {}, b.getF32Type(), [&](ImplicitLocOpBuilder &b, ValueRange sum) -> Value {
    return arith::DivFOp::create(b, sum[0], emitConstant(b, b.getF32Type(), static_cast<double>(width)));
  });
  Value squares = b.sum({{x, {0, 1}}, {mean, {0}}}, {width}, [](ImplicitLocOpBuilder &b, ValueRange in) {
    Value distance = sub(b, in[0], in[1]);
    return mul(b, distance, distance);
  });
  Value inverse = inverseRoots(b, squares, {}, width, op.getEpsilon());
  SmallVector<Read> reads{{x, {0, 1}}, {mean, {0}}, {inverse, {0}}, {op.getScale(), {1}}};
  if (op.getBias())
    reads.push_back({op.getBias(), {1}});
  return b.map(reads, {width}, elementOf(x), [](ImplicitLocOpBuilder &b, ValueRange in) {
    Value y = mul(b, mul(b, sub(b, in[0], in[1]), in[2]), in[3]);
    return in.size() > 4 ? add(b, y, in[4]) : y;
  });
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

FailureOr<Value> decompose(RopeOp op, RowsBuilder &b) {
  auto headDim = static_cast<int64_t>(op.getHeadDim());
  int64_t dims = columnsOf(op.getTable()), pairs = dims / 2;
  Value heads = b.splitColumns(op.getX(), headDim);
  int64_t count = columnsOf(op.getX()) / headDim;
  bool isHalf = op.getStyle() == RopeStyle::half;
  int64_t secondAt = isHalf ? pairs : 1, stride = isHalf ? 1 : 2;

  SmallVector<Read> reads{{b.sliceLast(heads, 0, pairs, stride), {0, 1, 2}},
                          {b.sliceLast(heads, secondAt, pairs, stride), {0, 1, 2}},
                          {b.sliceLast(op.getTable(), 0, pairs), {0, 2}},
                          {b.sliceLast(op.getTable(), pairs, pairs), {0, 2}}};
  Value result = b.empty({count, headDim}, elementOf(op.getX()));
  auto fill = [&](ArrayRef<Read> reads, int64_t at, int64_t size, int64_t stride, RowsBuilder::Body body) {
    Value part = b.mapInto(reads, b.sliceLast(result, at, size, stride), body);
    result = b.insertLast(part, result, at, stride);
  };
  fill(reads, 0, pairs, stride,
       [](ImplicitLocOpBuilder &b, ValueRange in) { return sub(b, mul(b, in[0], in[2]), mul(b, in[1], in[3])); });
  fill(reads, secondAt, pairs, stride,
       [](ImplicitLocOpBuilder &b, ValueRange in) { return add(b, mul(b, in[1], in[2]), mul(b, in[0], in[3])); });
  if (int64_t passing = headDim - dims)
    fill({{b.sliceLast(heads, dims, passing), {0, 1, 2}}}, dims, passing, 1,
         [](ImplicitLocOpBuilder &, ValueRange in) { return in[0]; });
  return b.joinColumns(result);
}

Value frequencyTensor(RowsBuilder &b, ArrayRef<float> frequencies) {
  auto type = RankedTensorType::get({static_cast<int64_t>(frequencies.size())}, b.getF32Type());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, frequencies));
}

/// The table of `positions`, whose rows `b` runs over.
Value ropeTable(RowsBuilder &b, RopeTableOp op, Value positions) {
  RopeAttr rope = op.getRope();
  auto pairs = static_cast<int64_t>(rope.getFrequencies().size());
  SmallVector<Read> reads{{positions, {0}}, {frequencyTensor(b, rope.getFrequencies()), {1}}};
  bool mayBeLong = !rope.getLongFrequencies().empty();
  if (mayBeLong) {
    Value last = b.reduce(
        {{positions, {0}}}, {}, b.getI32IntegerAttr(0), [](ImplicitLocOpBuilder &, ValueRange in) { return in[0]; },
        [](ImplicitLocOpBuilder &b, Value most, Value next) -> Value { return arith::MaxSIOp::create(b, most, next); });
    reads.push_back({last, {}});
    reads.push_back({frequencyTensor(b, rope.getLongFrequencies()), {1}});
  }
  Value table = b.empty({2 * pairs}, elementOf(op.getTable()));
  auto fill = [&](int64_t at, function_ref<Value(ImplicitLocOpBuilder &, Value)> function) {
    auto body = [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
      Value frequency = in[1], magnitude = constant(b, rope.getMagnitude());
      if (mayBeLong) {
        Value from = arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(rope.getLongFrom())));
        Value isLong = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, in[2], from);
        frequency = arith::SelectOp::create(b, isLong, in[3], frequency);
        magnitude = arith::SelectOp::create(b, isLong, constant(b, rope.getLongMagnitude()), magnitude);
      }
      Value angle = mul(b, arith::SIToFPOp::create(b, b.getF32Type(), in[0]), frequency);
      return mul(b, function(b, angle), magnitude);
    };
    table = b.insertLast(b.mapInto(reads, b.sliceLast(table, at, pairs), body), table, at);
  };
  fill(0, [](ImplicitLocOpBuilder &b, Value x) -> Value { return math::CosOp::create(b, x); });
  fill(pairs, [](ImplicitLocOpBuilder &b, Value x) -> Value { return math::SinOp::create(b, x); });
  return table;
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

template <typename OpTy> struct Decompose : linalg::AggregatedOpInterface::ExternalModel<Decompose<OpTy>, OpTy> {
  FailureOr<SmallVector<Value>> decomposeOperation(Operation *op, OpBuilder &builder) const {
    RowsBuilder rows(builder, op->getLoc(), op->getOperand(0));
    FailureOr<Value> result = decompose(cast<OpTy>(op), rows);
    if (failed(result))
      return failure();
    return SmallVector<Value>{rows.castTo(*result, op->getResult(0).getType())};
  }
};

struct DecomposeRopeTable : linalg::AggregatedOpInterface::ExternalModel<DecomposeRopeTable, RopeTableOp> {
  FailureOr<SmallVector<Value>> decomposeOperation(Operation *op, OpBuilder &builder) const {
    auto table = cast<RopeTableOp>(op);
    auto type = cast<RankedTensorType>(table.getTable().getType());
    Value positions = PositionsOp::create(
        builder, op->getLoc(), RankedTensorType::get({type.getDimSize(0)}, builder.getI32Type()), table.getBatch());
    RowsBuilder rows(builder, op->getLoc(), positions);
    return SmallVector<Value>{ropeTable(rows, table, positions)};
  }
};

/// The ops of its region, in its place.
struct DecomposeFused : linalg::AggregatedOpInterface::ExternalModel<DecomposeFused, FusedOp> {
  FailureOr<SmallVector<Value>> decomposeOperation(Operation *op, OpBuilder &builder) const {
    auto fused = cast<FusedOp>(op);
    Block &body = fused.getBody().front();
    IRMapping mapping;
    mapping.map(body.getArguments(), fused.getInputs());
    for (Operation &inner : body.without_terminator())
      builder.clone(inner, mapping);
    return llvm::map_to_vector(body.getTerminator()->getOperands(),
                               [&](Value value) { return mapping.lookupOrDefault(value); });
  }
};

} // namespace

void yoke::llm::registerDecomposeInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LLMDialect *) {
    context->loadDialect<linalg::LinalgDialect, math::MathDialect>();
    auto attach = [&]<typename... Ops>() { (Ops::template attachInterface<Decompose<Ops>>(*context), ...); };
    attach.operator()<LinearOp, ActivationOp, GatedOp, ScaleOp, SoftcapOp, BiasOp, RmsNormOp, LayerNormOp, RopeOp,
                      EmbeddingOp>();
    RopeTableOp::attachInterface<DecomposeRopeTable>(*context);
    FusedOp::attachInterface<DecomposeFused>(*context);
  });
}
