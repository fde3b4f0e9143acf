//===- RowsBuilder.cpp - linalg over tensors of rows ----------------------===//
#include "LLM/RowsBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace yoke::llm;

RowsBuilder::RowsBuilder(OpBuilder &builder, Location loc, Value rowsOf)
    : ImplicitLocOpBuilder(loc, builder), rows(tensor::getMixedSize(builder, loc, rowsOf, 0)) {}

SmallVector<OpFoldResult> RowsBuilder::sizes(ArrayRef<int64_t> columns) {
  SmallVector<OpFoldResult> sizes{rows};
  for (int64_t size : columns)
    sizes.push_back(getIndexAttr(size));
  return sizes;
}

Value RowsBuilder::empty(ArrayRef<int64_t> columns, Type element) {
  return tensor::EmptyOp::create(*this, sizes(columns), element);
}

static Value widen(ImplicitLocOpBuilder &b, Value x) {
  auto type = dyn_cast<FloatType>(x.getType());
  if (!type || type.getWidth() >= 32)
    return x;
  return arith::ExtFOp::create(b, b.getF32Type(), x);
}

static Value narrow(ImplicitLocOpBuilder &b, Value x, Type type) {
  if (x.getType() == type)
    return x;
  return arith::TruncFOp::create(b, type, x);
}

Value RowsBuilder::generic(ArrayRef<Read> reads, Value init, ArrayRef<utils::IteratorType> loops,
                           function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  auto loopCount = static_cast<unsigned>(loops.size());
  auto mapOf = [&](ArrayRef<unsigned> indices) {
    return AffineMap::get(loopCount, 0,
                          llvm::map_to_vector(indices, [&](unsigned loop) { return getAffineDimExpr(loop); }),
                          getContext());
  };
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Read &read : reads) {
    inputs.push_back(read.tensor);
    maps.push_back(mapOf(read.loops));
  }
  maps.push_back(mapOf(llvm::to_vector(llvm::seq<unsigned>(cast<RankedTensorType>(init.getType()).getRank()))));
  auto op = linalg::GenericOp::create(*this, TypeRange{init.getType()}, inputs, ValueRange{init}, maps, loops,
                                      [&](OpBuilder &nested, Location loc, ValueRange elements) {
                                        ImplicitLocOpBuilder b(loc, nested);
                                        linalg::YieldOp::create(b, body(b, elements));
                                      });
  return op.getResult(0);
}

static SmallVector<Value> widened(ImplicitLocOpBuilder &b, ValueRange elements) {
  return llvm::map_to_vector(elements, [&](Value x) { return widen(b, x); });
}

Value RowsBuilder::map(ArrayRef<Read> reads, ArrayRef<int64_t> columns, Type element, Body body) {
  return mapInto(reads, empty(columns, element), body);
}

Value RowsBuilder::mapInto(ArrayRef<Read> reads, Value destination, Body body) {
  auto type = cast<RankedTensorType>(destination.getType());
  SmallVector<utils::IteratorType> loops(static_cast<size_t>(type.getRank()), utils::IteratorType::parallel);
  return generic(reads, destination, loops, [&](ImplicitLocOpBuilder &b, ValueRange elements) {
    return narrow(b, widen(b, body(b, widened(b, elements.drop_back()))), type.getElementType());
  });
}

Value RowsBuilder::reduce(ArrayRef<Read> reads, ArrayRef<int64_t> columns, TypedAttr init, Body body, Combine combine) {
  SmallVector<utils::IteratorType> loops(1 + columns.size(), utils::IteratorType::parallel);
  loops.back() = utils::IteratorType::reduction;
  SmallVector<OpFoldResult> kept = sizes(columns);
  kept.pop_back();
  Value first = arith::ConstantOp::create(*this, init);
  Value destination = tensor::EmptyOp::create(*this, kept, init.getType());
  destination = linalg::FillOp::create(*this, first, destination).getResult(0);
  return generic(reads, destination, loops, [&](ImplicitLocOpBuilder &b, ValueRange elements) {
    return combine(b, elements.back(), body(b, widened(b, elements.drop_back())));
  });
}

Value RowsBuilder::sum(ArrayRef<Read> reads, ArrayRef<int64_t> columns, Body body) {
  return reduce(reads, columns, getF32FloatAttr(0.0f), body, [](ImplicitLocOpBuilder &b, Value sum, Value term) {
    return arith::AddFOp::create(b, sum, term).getResult();
  });
}

static SmallVector<ReassociationIndices> splitOfColumns() { return {{0}, {1, 2}}; }

Value RowsBuilder::splitColumns(Value x, int64_t group) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t count = type.getDimSize(1) / group;
  return tensor::ExpandShapeOp::create(*this, type.clone({type.getDimSize(0), count, group}), x, splitOfColumns(),
                                       sizes({count, group}));
}

Value RowsBuilder::joinColumns(Value x) { return tensor::CollapseShapeOp::create(*this, x, splitOfColumns()); }

namespace {
struct Part {
  SmallVector<OpFoldResult> offsets, sizes, strides;
};
} // namespace

static Part partOfLast(OpBuilder &b, SmallVector<OpFoldResult> sizes, int64_t offset, int64_t stride) {
  Part part;
  part.offsets.assign(sizes.size(), b.getIndexAttr(0));
  part.offsets.back() = b.getIndexAttr(offset);
  part.strides.assign(sizes.size(), b.getIndexAttr(1));
  part.strides.back() = b.getIndexAttr(stride);
  part.sizes = std::move(sizes);
  return part;
}

Value RowsBuilder::sliceLast(Value x, int64_t offset, int64_t count, int64_t stride) {
  SmallVector<int64_t> columns(cast<RankedTensorType>(x.getType()).getShape().drop_front());
  columns.back() = count;
  Part part = partOfLast(*this, sizes(columns), offset, stride);
  return tensor::ExtractSliceOp::create(*this, x, part.offsets, part.sizes, part.strides);
}

Value RowsBuilder::insertLast(Value slice, Value x, int64_t offset, int64_t stride) {
  ArrayRef<int64_t> columns = cast<RankedTensorType>(slice.getType()).getShape().drop_front();
  Part part = partOfLast(*this, sizes(columns), offset, stride);
  return tensor::InsertSliceOp::create(*this, slice, x, part.offsets, part.sizes, part.strides);
}

Value RowsBuilder::castTo(Value x, Type type) {
  if (x.getType() == type)
    return x;
  return tensor::CastOp::create(*this, type, x);
}
