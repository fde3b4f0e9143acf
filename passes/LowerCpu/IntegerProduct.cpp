//===- IntegerProduct.cpp - rows of integers times a quantised panel ------===//
#include "LowerCpu/IntegerProduct.h"

using namespace mlir;
using namespace yoke;

Value IntegerProduct::splatOf(VectorType type, int64_t value) {
  Attribute element = b.getIntegerAttr(type.getElementType(), value);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
}

Value IntegerProduct::loadBytes(const Place &place, int64_t offset, int64_t bytes) {
  SmallVector<Value> indices(stackIndices);
  indices.append({place.panel, place.block, b.index(offset + place.vector * bytes)});
  return vector::LoadOp::create(b, VectorType::get({bytes}, b.getI8Type()), memory, indices);
}

/// One float32 a row from the scales or zero points at `offset`.
Value IntegerProduct::loadScales(const Place &place, int64_t offset) {
  Value bytes = loadBytes(place, offset, b.shape.lanes * block.scaleBytes);
  Value stored = vector::BitCastOp::create(b, VectorType::get({b.shape.lanes}, quant.getScale()), bytes);
  return quant.getScale().isF32() ? stored : arith::ExtFOp::create(b, b.vectorType(), stored).getResult();
}

/// The weights of line `line` as operands of dot(): bytes in fours, or pairs of words.
SmallVector<Value> IntegerProduct::quadsOf(const Place &place, int64_t line) {
  Value bytes = loadBytes(place, line * block.lineBytes, b.shape.lanes * QuantBlock::quadInputs);
  bool nibbles = block.bits == 4;
  if (x.inBytes && !nibbles)
    return {bytes};
  // Shifts of 16-bit lanes; a byte's upper half comes down among bits that the mask drops.
  Value words = vector::BitCastOp::create(b, integers(16), bytes);
  auto masked = [&](int64_t shift, int64_t mask) -> Value {
    Value value = shift ? arith::ShRUIOp::create(b, words, splatOf(integers(16), shift)).getResult() : words;
    return (mask << shift) > 0x7fff ? value : arith::AndIOp::create(b, value, splatOf(integers(16), mask)).getResult();
  };
  if (!x.inBytes)
    return nibbles ? SmallVector<Value>{masked(0, 0xf), masked(8, 0xf), masked(4, 0xf), masked(12, 0xf)}
                   : SmallVector<Value>{masked(0, 0xff), masked(8, 0xff)};
  SmallVector<Value> quads;
  for (int64_t shift : {0, 4}) {
    Value value = shift ? arith::ShRUIOp::create(b, words, splatOf(integers(16), shift)).getResult() : words;
    Value low = arith::AndIOp::create(b, value, splatOf(integers(16), 0x0f0f));
    quads.push_back(vector::BitCastOp::create(b, integers(8), low));
  }
  return quads;
}

/// The integers in `word` in every lane, as an operand of dot().
Value IntegerProduct::spread(Value word) {
  Value words = vector::BroadcastOp::create(b, integers(32), word);
  return vector::BitCastOp::create(b, integers(x.inBytes ? 8 : 16), words);
}

/// Adds the products of `weights` with `inputs` to each lane of `sum`.
Value IntegerProduct::dot(Value sum, Value weights, Value inputs) {
  auto call = [&](StringRef name, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, integers(32), b.getStringAttr(name), operands).getResult(0);
  };
  if (x.inBytes)
    return call("llvm.x86.avx512.vpdpbusd.512", {sum, weights, inputs});
  // One instruction adds as well; left to itself LLVM takes sums of several such products apart.
  if (b.shape.byteDots)
    return call("llvm.x86.avx512.vpdpwssd.512", {sum, weights, inputs});
  bool wide = b.shape.lanes == 16;
  return b.add(sum, call(wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", {weights, inputs}));
}

/// The exact sums of one block for the `count` vectors of the panel's rows from `vector` on, for each of `sources`. The
/// vectors share an activation that stands in a register, and their weights are read in the order of memory.
SmallVector<Value> IntegerProduct::blockSums(Value panel, Value blockIndex, int64_t vector, int64_t count,
                                             ArrayRef<Value> sources) {
  // Few rows leave too few independent sums to hide the latency of the products.
  int64_t parts = sources.size() < 3 ? 2 : 1, rows = static_cast<int64_t>(sources.size());
  SmallVector<Value> sums(rows * count * parts, splatOf(integers(32), 0));
  if (!quant.getAsymmetric())
    for (int64_t r = 0; r < rows; ++r) {
      Value start = vector::BroadcastOp::create(b, integers(32), b.element(x.sums, {sources[r], blockIndex}));
      for (int64_t v = 0; v < count; ++v)
        sums[(r * count + v) * parts] = start;
    }

  int64_t words = x.inBytes ? 8 : 16, next = 0;
  Value first = b.mul(blockIndex, b.index(words));
  for (int64_t line = 0; line < block.lines; ++line) {
    SmallVector<SmallVector<Value>> weights;
    for (int64_t v = 0; v < count; ++v)
      weights.push_back(quadsOf({panel, blockIndex, vector + v}, line));
    for (size_t quad = 0; quad < weights.front().size(); ++quad, ++next) {
      Value word = b.add(first, b.index(next));
      for (int64_t r = 0; r < rows; ++r) {
        Value input = spread(b.element(x.words, {sources[r], word}));
        for (int64_t v = 0; v < count; ++v) {
          Value &sum = sums[(r * count + v) * parts + next % parts];
          sum = dot(sum, weights[v][quad], input);
        }
      }
    }
  }
  if (parts == 1)
    return sums;
  SmallVector<Value> results;
  for (int64_t i = 0; i < rows * count; ++i)
    results.push_back(b.add(sums[2 * i], sums[2 * i + 1]));
  return results;
}

SmallVector<Value> IntegerProduct::sums(Value panel, ArrayRef<Value> sources) {
  int64_t vectors = b.shape.panelVectors();
  auto type = cast<MemRefType>(memory.getType());
  int64_t blocks = type.getDimSize(type.getRank() - 2);
  SmallVector<Value> init(sources.size() * static_cast<size_t>(vectors), b.splat(0.0));
  // As many vectors at once as leave registers for the other sums: 6 rows x 2 vectors of integers and as many of
  // floats.
  int64_t together = b.shape.lanes == 16 ? 2 : 1;
  auto addBlock = [&](Value blockIndex, MutableArrayRef<Value> totals) {
    for (int64_t first = 0; first < vectors; first += together) {
      SmallVector<Value> exact = blockSums(panel, blockIndex, first, together, sources);
      for (int64_t v = 0; v < together; ++v)
        addScaled({panel, blockIndex, first + v}, exact, v, together, sources, totals);
    }
  };
  int64_t stride = b.shape.unroll, unrolled = blocks / stride * stride;
  SmallVector<Value> totals =
      b.reduce(b.index(0), b.index(unrolled), b.index(stride), init, [&](Value blockIndex, ValueRange carried) {
        if (static_cast<int64_t>(sources.size()) < b.shape.rowBlock)
          b.prefetch(memory, stackIndices, panel, blockIndex, stride);
        SmallVector<Value> next(carried);
        for (int64_t i = 0; i < stride; ++i)
          addBlock(b.add(blockIndex, b.index(i)), next);
        return next;
      });
  for (int64_t blockIndex = unrolled; blockIndex < blocks; ++blockIndex)
    addBlock(b.index(blockIndex), totals);
  return totals;
}

/// Scales vector `offset` of the exact sums of each row, of which there are `count`, and adds it to the totals.
void IntegerProduct::addScaled(const Place &place, ArrayRef<Value> exact, int64_t offset, int64_t count,
                               ArrayRef<Value> sources, MutableArrayRef<Value> totals) {
  Value scales = loadScales(place, block.scales);
  Value negativeZeros;
  if (quant.getAsymmetric())
    negativeZeros = arith::NegFOp::create(b, loadScales(place, block.zeros));
  for (auto [r, source] : llvm::enumerate(sources)) {
    auto row = static_cast<int64_t>(r);
    Value sum = arith::SIToFPOp::create(b, b.vectorType(), exact[row * count + offset]);
    if (negativeZeros) {
      Value inputs = arith::SIToFPOp::create(b, b.getF32Type(), b.element(x.sums, {source, place.block}));
      sum = b.fma(negativeZeros, b.broadcast(inputs), sum);
    }
    Value factor = b.mul(scales, b.broadcast(b.element(x.steps, {source, place.block})));
    Value &total = totals[row * b.shape.panelVectors() + place.vector];
    total = b.fma(sum, factor, total);
  }
}
