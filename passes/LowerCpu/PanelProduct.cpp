//===- PanelProduct.cpp - rows of activations times panels of a matrix ----===//
#include "LowerCpu/PanelProduct.h"

#include "LowerCpu/IntegerProduct.h"

using namespace mlir;
using namespace yoke;

int64_t PanelMatrix::panels() const {
  auto type = cast<MemRefType>(memory.getType());
  return type.getDimSize(type.getRank() - 3);
}

bool PanelProduct::storesPairs() const {
  return cast<MemRefType>(matrix.memory.getType()).getElementType().isInteger(32);
}

RowBlocks PanelProduct::blocksOf(KernelBuilder &b, Value begin, Value end) {
  int64_t block = b.shape.rowBlock;
  Value rows = b.sub(end, begin);
  Value whole = b.mul(b.quotient(rows, block), b.index(block));
  return {begin, b.add(begin, whole), b.sub(rows, whole)};
}

void PanelProduct::emit(const ProductRows &x, Value panel, const RowBlocks &blocks, RowSource source, Sink sink) {
  int64_t block = b.shape.rowBlock;
  b.loop(blocks.begin, blocks.lastBegin, b.index(block),
         [&](Value row) { emitTile(x, panel, row, block, source, sink); });
  emitRest(x, panel, blocks, source, sink);
}

void PanelProduct::emitPanels(const ProductRows &x, Value begin, Value end, const RowBlocks &blocks, RowSource source,
                              Sink sink) {
  int64_t block = b.shape.rowBlock;
  b.loop(blocks.begin, blocks.lastBegin, b.index(block), [&](Value row) {
    b.loop(begin, end, b.index(1), [&](Value panel) { emitTile(x, panel, row, block, source, sink); });
  });
  b.loop(begin, end, b.index(1), [&](Value panel) { emitRest(x, panel, blocks, source, sink); });
}

/// The rows that are no block.
void PanelProduct::emitRest(const ProductRows &x, Value panel, const RowBlocks &blocks, RowSource source, Sink sink) {
  int64_t block = b.shape.rowBlock;
  SmallVector<int64_t> cases;
  for (int64_t rows = 1; rows < block; ++rows)
    cases.push_back(rows);
  auto choice = scf::IndexSwitchOp::create(b, TypeRange(), blocks.rest, cases, cases.size());
  OpBuilder::InsertionGuard guard(b);
  for (auto [rows, region] : llvm::zip(cases, choice.getCaseRegions())) {
    b.setInsertionPointToStart(&region.emplaceBlock());
    emitTile(x, panel, blocks.lastBegin, rows, source, sink);
    scf::YieldOp::create(b);
  }
  b.setInsertionPointToStart(&choice.getDefaultRegion().emplaceBlock());
  scf::YieldOp::create(b);
}

/// The panel's elements of one group as they are stored, a vector at a time.
SmallVector<Value> PanelProduct::loadPanel(Value panel, Value group) {
  auto type = VectorType::get({b.shape.lanes}, cast<MemRefType>(matrix.memory.getType()).getElementType());
  SmallVector<Value> vectors;
  for (int64_t v = 0; v < b.shape.panelVectors(); ++v) {
    SmallVector<Value> indices(stackIndices);
    indices.append({panel, group, b.index(v * b.shape.lanes)});
    vectors.push_back(vector::LoadOp::create(b, type, matrix.memory, indices));
  }
  return vectors;
}

/// Vectors of the panel's weights for one input, or for two when the panel stores pairs.
SmallVector<Value> PanelProduct::loadWeights(Value panel, Value group) {
  SmallVector<Value> low, high;
  for (Value loaded : loadPanel(panel, group)) {
    auto type = cast<VectorType>(loaded.getType());
    Type element = type.getElementType();
    if (!storesPairs()) {
      low.push_back(element.isF32() ? loaded : arith::ExtFOp::create(b, b.vectorType(), loaded).getResult());
      continue;
    }
    // A bfloat16 is the upper half of a float32.
    auto constant = [&](int64_t value) {
      return arith::ConstantOp::create(b,
                                       DenseElementsAttr::get(type, b.getI32IntegerAttr(static_cast<int32_t>(value))));
    };
    Value even = arith::ShLIOp::create(b, loaded, constant(16));
    Value odd = arith::AndIOp::create(b, loaded, constant(0xffff0000));
    low.push_back(arith::BitcastOp::create(b, b.vectorType(), even));
    high.push_back(arith::BitcastOp::create(b, b.vectorType(), odd));
  }
  llvm::append_range(low, high);
  return low;
}

/// Adds the products of input `k` to chain `chain` of each row's sums.
void PanelProduct::accumulate(MutableArrayRef<Value> sums, ArrayRef<Value> weights, Value x, ArrayRef<Value> sources,
                              Value k, int64_t chain) {
  int64_t vectors = b.shape.panelVectors();
  for (auto [r, source] : llvm::enumerate(sources)) {
    Value input = b.broadcast(b.element(x, {source, k}));
    for (int64_t v = 0; v < vectors; ++v) {
      Value &sum = sums[(static_cast<int64_t>(r) * b.shape.chains + chain) * vectors + v];
      sum = b.fma(input, weights[v], sum);
    }
  }
}

/// The sums of each row for each vector of the panel.
SmallVector<Value> PanelProduct::floatSums(Value x, Value panel, ArrayRef<Value> sources) {
  int64_t vectors = b.shape.panelVectors(), chains = b.shape.chains, rows = static_cast<int64_t>(sources.size());
  SmallVector<Value> sums(rows * chains * vectors, b.splat(0.0));
  int64_t even = matrix.inputs / 2 * 2;
  auto addPair = [&](Value k, MutableArrayRef<Value> sums) {
    Value next = b.add(k, b.index(1));
    if (storesPairs()) {
      SmallVector<Value> both = loadWeights(panel, b.quotient(k, 2));
      accumulate(sums, ArrayRef(both).take_front(vectors), x, sources, k, 0);
      accumulate(sums, ArrayRef(both).drop_front(vectors), x, sources, next, chains - 1);
      return;
    }
    accumulate(sums, loadWeights(panel, k), x, sources, k, 0);
    accumulate(sums, loadWeights(panel, next), x, sources, next, chains - 1);
  };
  int64_t stride = 2 * b.shape.unroll, unrolled = even / stride * stride;
  sums = b.reduce(b.index(0), b.index(unrolled), b.index(stride), sums, [&](Value k, ValueRange carried) {
    emitPrefetch(panel, storesPairs() ? b.quotient(k, 2) : k, storesPairs() ? stride / 2 : stride, sources.size());
    SmallVector<Value> next(carried);
    for (int64_t i = 0; i < stride; i += 2)
      addPair(b.add(k, b.index(i)), next);
    return next;
  });
  for (int64_t k = unrolled; k < even; k += 2)
    addPair(b.index(k), sums);
  if (even < matrix.inputs) {
    Value k = b.index(even);
    accumulate(sums, loadWeights(panel, storesPairs() ? b.index(even / 2) : k), x, sources, k, 0);
  }
  return addChains(sums, sources.size());
}

/// The sum of each row's chains, for each vector of the panel.
SmallVector<Value> PanelProduct::addChains(ArrayRef<Value> sums, size_t rows) {
  auto vectors = static_cast<size_t>(b.shape.panelVectors()), chains = static_cast<size_t>(b.shape.chains);
  SmallVector<Value> results;
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vectors; ++v) {
      Value sum = sums[r * chains * vectors + v];
      for (size_t chain = 1; chain < chains; ++chain)
        sum = b.add(sum, sums[(r * chains + chain) * vectors + v]);
      results.push_back(sum);
    }
  return results;
}

/// As floatSums, with the products of two bfloat16 inputs in one instruction.
SmallVector<Value> PanelProduct::pairSums(Value pairs, Value panel, ArrayRef<Value> sources) {
  int64_t vectors = b.shape.panelVectors(), chains = b.shape.chains;
  int64_t groups = (matrix.inputs + 1) / 2, even = groups / chains * chains;
  auto operandType = VectorType::get({2 * b.shape.lanes}, b.getBF16Type());
  auto addGroup = [&](Value group, MutableArrayRef<Value> sums, int64_t chain) {
    SmallVector<Value> weights = llvm::map_to_vector(loadPanel(panel, group), [&](Value loaded) {
      return Value(vector::BitCastOp::create(b, operandType, loaded));
    });
    for (auto [r, source] : llvm::enumerate(sources)) {
      Value word = b.element(pairs, {source, group});
      Value spread = vector::BroadcastOp::create(b, VectorType::get({b.shape.lanes}, b.getI32Type()), word);
      Value inputs = vector::BitCastOp::create(b, operandType, spread);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[(static_cast<int64_t>(r) * chains + chain) * vectors + v];
        sum = LLVM::CallIntrinsicOp::create(b, b.vectorType(), b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                                            ValueRange{sum, weights[v], inputs})
                  .getResult(0);
      }
    }
  };
  SmallVector<Value> sums(static_cast<int64_t>(sources.size()) * chains * vectors, b.splat(0.0));
  int64_t stride = chains * b.shape.unroll, unrolled = even / stride * stride;
  sums = b.reduce(b.index(0), b.index(unrolled), b.index(stride), sums, [&](Value group, ValueRange carried) {
    emitPrefetch(panel, group, stride, sources.size());
    SmallVector<Value> next(carried);
    for (int64_t i = 0; i < stride; ++i)
      addGroup(b.add(group, b.index(i)), next, i % chains);
    return next;
  });
  for (int64_t group = unrolled; group < groups; ++group)
    addGroup(b.index(group), sums, group < even ? group % chains : 0);
  return addChains(sums, sources.size());
}

/// Asks for the lines of `groups` groups some way ahead. Whole blocks of rows find a panel in the cache.
void PanelProduct::emitPrefetch(Value panel, Value group, int64_t groups, size_t rows) {
  if (static_cast<int64_t>(rows) < b.shape.rowBlock)
    b.prefetch(matrix.memory, stackIndices, panel, group, groups);
}

/// `rows` rows from `row` on times one panel.
void PanelProduct::emitTile(const ProductRows &x, Value panel, Value row, int64_t rows, RowSource source, Sink sink) {
  SmallVector<Value> places, sources;
  for (int64_t r = 0; r < rows; ++r) {
    places.push_back(b.add(row, b.index(r)));
    sources.push_back(source(places.back()));
  }
  SmallVector<Value> sums;
  if (x.values)
    sums = floatSums(x.values, panel, sources);
  else if (x.pairs)
    sums = pairSums(x.pairs, panel, sources);
  else
    sums = IntegerProduct(b, matrix.memory, matrix.quant(), stackIndices, x.integers).sums(panel, sources);
  int64_t vectors = b.shape.panelVectors();
  for (int64_t r = 0; r < rows; ++r)
    emitSums(panel, places[r], ArrayRef(sums).slice(r * vectors, vectors), sink);
}

/// Lanes below `count` when the matrix has a ragged last panel.
static Columns placeOf(KernelBuilder &b, Value begin, int64_t count, int64_t panelColumns) {
  if (count % panelColumns == 0)
    return {begin, {}};
  auto type = VectorType::get({b.shape.lanes}, b.getI1Type());
  Value left = b.greatest(b.sub(b.index(count), begin), b.index(0));
  return {begin, vector::CreateMaskOp::create(b, type, left)};
}

void PanelProduct::emitSums(Value panel, Value row, ArrayRef<Value> sums, Sink sink) {
  int64_t halves = matrix.interleaved ? 2 : 1;
  int64_t columns = matrix.outputs / halves, panelColumns = KernelShape::panel / halves;
  int64_t vectors = b.shape.panelVectors() / halves;
  for (int64_t v = 0; v < vectors; ++v) {
    Value begin = b.add(b.mul(panel, b.index(panelColumns)), b.index(v * b.shape.lanes));
    Columns place = placeOf(b, begin, columns, panelColumns);
    if (matrix.interleaved)
      sink(row, place, {sums[v], sums[v + vectors]});
    else
      sink(row, place, sums[v]);
  }
}
