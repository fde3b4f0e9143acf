//===- KernelBuilder.cpp - vector code for one thread of a team -----------===//
#include "LowerCpu/KernelBuilder.h"

using namespace mlir;
using namespace yoke;

Value KernelBuilder::scalar(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(static_cast<float>(value)));
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

Value KernelBuilder::add(Value a, Value b) {
  return isFloat(a) ? arith::AddFOp::create(*this, a, b).getResult() : arith::AddIOp::create(*this, a, b).getResult();
}
Value KernelBuilder::sub(Value a, Value b) {
  return isFloat(a) ? arith::SubFOp::create(*this, a, b).getResult() : arith::SubIOp::create(*this, a, b).getResult();
}
Value KernelBuilder::mul(Value a, Value b) {
  return isFloat(a) ? arith::MulFOp::create(*this, a, b).getResult() : arith::MulIOp::create(*this, a, b).getResult();
}

Value KernelBuilder::reduceAdd(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::ADD, vector, arith::FastMathFlags::reassoc);
}
Value KernelBuilder::reduceMax(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::MAXIMUMF, vector, arith::FastMathFlags::reassoc);
}

static SmallVector<Value> withLast(ValueRange leading, Value last) {
  SmallVector<Value> indices(leading);
  indices.push_back(last);
  return indices;
}

Value KernelBuilder::load(Value memref, ValueRange leading, Columns columns) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = VectorType::get({shape.lanes}, element);
  SmallVector<Value> indices = withLast(leading, columns.begin);
  Value vector;
  if (columns.mask) {
    Value zero = arith::ConstantOp::create(*this, getZeroAttr(type));
    vector = vector::MaskedLoadOp::create(*this, type, memref, indices, columns.mask, zero);
  } else {
    vector = vector::LoadOp::create(*this, type, memref, indices);
  }
  return element.isF32() ? vector : arith::ExtFOp::create(*this, vectorType(), vector).getResult();
}

void KernelBuilder::store(Value vector, Value memref, ValueRange leading, Columns columns) {
  SmallVector<Value> indices = withLast(leading, columns.begin);
  if (columns.mask)
    vector::MaskedStoreOp::create(*this, memref, indices, columns.mask, vector);
  else
    vector::StoreOp::create(*this, vector, memref, indices);
}

void KernelBuilder::when(Value condition, function_ref<void()> body, function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(*this, condition, static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
  if (!otherwise)
    return;
  setInsertionPointToStart(op.elseBlock());
  otherwise();
}

void KernelBuilder::prefetch(Value memref, ValueRange leading, Value panel, Value group, int64_t groups) {
  if (shape.prefetchBytes == 0)
    return;
  constexpr int64_t line = 64;
  auto type = cast<MemRefType>(memref.getType());
  int64_t elements = type.getShape().back(), elementBytes = type.getElementTypeBitWidth() / 8;
  Value ahead = add(group, index(llvm::divideCeil(shape.prefetchBytes, elements * elementBytes)));
  for (int64_t g = 0, next = 0; g < groups; ++g)
    for (; next < (g + 1) * elements * elementBytes; next += line) {
      SmallVector<Value> indices(leading);
      indices.append({panel, add(ahead, index(g)), index(next / elementBytes - g * elements)});
      memref::PrefetchOp::create(*this, memref, indices, /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
    }
}

void KernelBuilder::loop(Value begin, Value end, Value step, function_ref<void(Value)> body) {
  reduce(begin, end, step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelBuilder::reduce(Value begin, Value end, Value step, ValueRange init,
                                         function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(*this, begin, end, step, init);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.getBody());
  SmallVector<Value> results = body(op.getInductionVar(), op.getRegionIterArgs());
  // A loop without carried values already has its terminator.
  if (!init.empty())
    scf::YieldOp::create(*this, results);
  return SmallVector<Value>(op.getResults());
}

Value KernelBuilder::tailMask(int64_t count) {
  auto type = VectorType::get({shape.lanes}, getI1Type());
  SmallVector<bool> lanes(shape.lanes, false);
  for (int64_t i = 0; i < count; ++i)
    lanes[i] = true;
  return arith::ConstantOp::create(*this, DenseElementsAttr::get(type, lanes));
}

SmallVector<Value> KernelBuilder::reduceColumns(int64_t count, ValueRange init,
                                                function_ref<SmallVector<Value>(Columns, ValueRange)> body) {
  int64_t full = count / shape.lanes * shape.lanes;
  SmallVector<Value> values(init);
  if (full > 0)
    values = reduce(index(0), index(full), index(shape.lanes), init,
                    [&](Value i, ValueRange carried) { return body({i, {}}, carried); });
  if (full < count)
    values = body({index(full), tailMask(count - full)}, values);
  return values;
}

void KernelBuilder::forColumns(int64_t count, function_ref<void(Columns)> body) {
  reduceColumns(count, {}, [&](Columns columns, ValueRange) {
    body(columns);
    return SmallVector<Value>();
  });
}

SmallVector<Columns> KernelBuilder::unrolledColumns(int64_t count) {
  SmallVector<Columns> all;
  for (int64_t begin = 0; begin < count; begin += shape.lanes)
    all.push_back({index(begin), count - begin < shape.lanes ? tailMask(count - begin) : Value()});
  return all;
}

std::pair<Value, Value> KernelBuilder::share(Value count) {
  auto bound = [&](Value thread) {
    return arith::DivUIOp::create(*this, mul(count, thread), team.threads).getResult();
  };
  return {bound(team.thread), bound(add(team.thread, index(1)))};
}

void KernelBuilder::dealt(Value count, function_ref<void(Value)> body) { loop(team.thread, count, team.threads, body); }

void KernelBuilder::dealtRuns(Value count, int64_t run, function_ref<void(Value, Value)> body) {
  Value runs = quotient(add(count, index(run - 1)), run);
  dealt(runs, [&](Value i) {
    Value begin = mul(i, index(run));
    body(begin, least(add(begin, index(run)), count));
  });
}

void KernelBuilder::barrier() {
  auto pointer = LLVM::LLVMPointerType::get(getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), {pointer});
  LLVM::CallOp::create(*this, type, ValueRange{team.barrier, team.barrierContext});
}
