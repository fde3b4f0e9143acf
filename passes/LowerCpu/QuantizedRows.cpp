//===- QuantizedRows.cpp - rows of activations as integers ----------------===//
#include "LowerCpu/QuantizedRows.h"

#include "LowerCpu/WeightLayout.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

static constexpr int64_t wordBytes = 4;

static int64_t blocksOf(int64_t inputs) { return static_cast<int64_t>(llvm::divideCeil(inputs, QuantBlock::inputs)); }

RowRounder::RowRounder(KernelBuilder &b, Type weightElement, Type rowElement, int64_t inputs)
    : b(b), quant(dyn_cast<llm::QuantType>(weightElement)), rowElement(rowElement),
      largest(rowElement && rowElement.isInteger(8) ? 127 : 32767),
      inBytes(b.shape.byteDots && rowElement && rowElement.isInteger(8)), inputs(inputs) {}

int64_t RowRounder::bytesPerRow(int64_t inputs) {
  constexpr int64_t ofABlock = QuantBlock::inputs * wordBytes;
  return blocksOf(inputs) * ofABlock;
}

int64_t RowRounder::blocks() const { return blocksOf(inputs); }

ProductRows RowRounder::place(Value workspace, Value &start, Value rows) {
  auto take = [&](int64_t columns, Type element) {
    auto type = MemRefType::get({ShapedType::kDynamic, columns}, element);
    Value view = memref::ViewOp::create(b, type, workspace, start, rows);
    start = b.add(start, b.mul(rows, b.index(columns * wordBytes)));
    return view;
  };
  ProductRows result;
  if (quant) {
    result.integers.inBytes = inBytes;
    result.integers.words = take(blocks() * words(), b.getI32Type());
    result.integers.steps = take(blocks(), b.getF32Type());
    result.integers.sums = take(blocks(), b.getI32Type());
  } else if (b.shape.bf16Dots) {
    // Whole vectors are stored, the last one's missing columns as zeros.
    int64_t padded = static_cast<int64_t>(llvm::alignTo(inputs, b.shape.lanes));
    result.pairs = take(padded / 2, b.getI32Type());
  } else {
    result.values = take(inputs, b.getF32Type());
  }
  return result;
}

void RowRounder::emitRow(Value source, Value from, const ProductRows &target, Value row) {
  if (quant)
    emitIntegers(source, from, target.integers, row);
  else
    emitBFloat16(source, from, target, row);
}

Value yoke::bitsOfBFloat16(KernelBuilder &b, Value vector) {
  auto type = VectorType::get({b.shape.lanes}, b.getI32Type());
  auto constant = [&](uint32_t value) {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, b.getI32IntegerAttr(static_cast<int32_t>(value))));
  };
  Value bits = arith::BitcastOp::create(b, type, vector);
  Value last = arith::AndIOp::create(b, arith::ShRUIOp::create(b, bits, constant(16)), constant(1));
  return arith::ShRUIOp::create(b, b.add(b.add(bits, constant(0x7fff)), last), constant(16));
}

/// The nearest bfloat16 as float32, for targets that have no instruction for it.
static Value roundedToBFloat16(KernelBuilder &b, Value vector) {
  Value bits = bitsOfBFloat16(b, vector);
  Attribute half = b.getI32IntegerAttr(16);
  Value shift = arith::ConstantOp::create(b, DenseElementsAttr::get(cast<VectorType>(bits.getType()), half));
  return arith::BitcastOp::create(b, b.vectorType(), arith::ShLIOp::create(b, bits, shift));
}

void RowRounder::emitBFloat16(Value source, Value from, const ProductRows &target, Value row) {
  auto narrowType = VectorType::get({b.shape.lanes}, b.getBF16Type());
  b.forColumns(inputs, [&](Columns columns) {
    Value wide = b.load(source, from, columns);
    if (target.values) {
      b.store(roundedToBFloat16(b, wide), target.values, row, columns);
      return;
    }
    Value narrow = arith::TruncFOp::create(b, narrowType, wide);
    auto pairType = VectorType::get({b.shape.lanes / 2}, b.getI32Type());
    Value pairs = vector::BitCastOp::create(b, pairType, narrow);
    vector::StoreOp::create(b, pairs, target.pairs, ValueRange{row, b.quotient(columns.begin, 2)});
  });
}

void RowRounder::emitIntegers(Value source, Value from, const QuantizedRows &target, Value row) {
  auto loadBlock = [&](Value block, int64_t columns) {
    Value begin = b.mul(block, b.index(QuantBlock::inputs));
    SmallVector<Value> vectors = llvm::map_to_vector(
        b.unrolledColumns(columns), [&](Columns part) { return b.load(source, from, b.shifted(part, begin)); });
    return vectors;
  };
  int64_t whole = inputs / QuantBlock::inputs;
  b.loop(b.index(0), b.index(whole), b.index(1),
         [&](Value block) { emitBlock(loadBlock(block, QuantBlock::inputs), target, row, block); });
  if (whole == blocks())
    return;
  Value last = b.index(whole);
  SmallVector<Value> vectors = loadBlock(last, inputs - whole * QuantBlock::inputs);
  vectors.resize(QuantBlock::inputs / b.shape.lanes, b.splat(0.0));
  emitBlock(vectors, target, row, last);
}

void RowRounder::emitBlock(ArrayRef<Value> vectors, const QuantizedRows &target, Value row, Value block) {
  Value size;
  for (Value vector : vectors) {
    Value magnitude = math::AbsFOp::create(b, vector);
    size = size ? b.max(size, magnitude) : magnitude;
  }
  size = b.reduceMax(size);
  Value usable = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, size, b.scalar(1e-30));
  Value inverse = arith::SelectOp::create(b, usable, b.div(b.scalar(largest), size), b.scalar(0.0));
  b.setElement(b.div(size, b.scalar(largest)), target.steps, {row, block});

  auto integerType = VectorType::get({b.shape.lanes}, b.getI32Type());
  Value factor = b.broadcast(inverse), firstWord = b.mul(block, b.index(words())), sum;
  int64_t wordsOfVector = words() * b.shape.lanes / QuantBlock::inputs;
  for (auto [v, vector] : llvm::enumerate(vectors)) {
    Value nearest = math::RoundEvenOp::create(b, b.mul(vector, factor));
    Value integers = arith::FPToSIOp::create(b, integerType, nearest);
    sum = sum ? b.add(sum, integers) : integers;
    storeWords(integers, target, row, b.add(firstWord, b.index(static_cast<int64_t>(v) * wordsOfVector)));
  }
  Value total = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
  if (!quant.getAsymmetric()) {
    auto middle = static_cast<int32_t>(1 << (quant.getStorage().getWidth() - 1));
    total = b.mul(total, arith::ConstantOp::create(b, b.getI32IntegerAttr(-middle)));
  }
  b.setElement(total, target.sums, {row, block});
}

void RowRounder::storeWords(Value integers, const QuantizedRows &target, Value row, Value first) {
  auto narrowType = VectorType::get({b.shape.lanes}, inBytes ? b.getI8Type() : b.getIntegerType(16));
  Value narrow = arith::TruncIOp::create(b, narrowType, integers);
  if (!inBytes) {
    SmallVector<int64_t> order;
    for (int64_t quad = 0; quad < b.shape.lanes; quad += QuantBlock::quadInputs)
      order.append({quad, quad + 2, quad + 1, quad + 3});
    narrow = vector::ShuffleOp::create(b, narrow, narrow, order);
  }
  auto wordType = VectorType::get({b.shape.lanes * narrowType.getElementTypeBitWidth() / 32}, b.getI32Type());
  Value words = vector::BitCastOp::create(b, wordType, narrow);
  vector::StoreOp::create(b, words, target.words, ValueRange{row, first});
}
