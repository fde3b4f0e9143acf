//===- EmitNorm.cpp - kernels around a norm -------------------------------===//
#include "LowerCpu/Kernel.h"

using namespace mlir;
using namespace yoke;

/// Sum over `size` columns of what `term` makes of each vector.
static Value emitSum(KernelBuilder &b, int64_t size, function_ref<Value(Columns)> term) {
  Value zero = b.splat(0.0);
  SmallVector<Value> sums = b.reduceColumns(
      size, zero, [&](Columns columns, ValueRange sum) { return SmallVector<Value>{b.add(sum[0], term(columns))}; });
  return b.reduceAdd(sums[0]);
}

/// `vector` with zero in the lanes that `columns` does not use.
static Value keepUsed(KernelBuilder &b, Columns columns, Value vector) {
  return columns.mask ? arith::SelectOp::create(b, columns.mask, vector, b.splat(0.0)).getResult() : vector;
}

/// 1 / sqrt(sum / size + epsilon)
static Value emitInverseRoot(KernelBuilder &b, Value sum, int64_t size, const APFloat &epsilon) {
  Value mean = b.div(sum, b.scalar(static_cast<double>(size)));
  Value root = math::SqrtOp::create(b, b.add(mean, b.scalar(epsilon.convertToDouble())));
  return b.broadcast(b.div(b.scalar(1.0), root));
}

static void emitRmsNormRow(KernelBuilder &b, Kernel &kernel, llm::RmsNormOp norm, int64_t size,
                           function_ref<Value(Columns)> read, function_ref<void(Columns, Value)> write) {
  Value squares = emitSum(b, size, [&](Columns columns) {
    Value x = read(columns);
    return b.mul(x, x);
  });
  Value inverse = emitInverseRoot(b, squares, size, norm.getEpsilon());
  Value scaleMemory = kernel.memory.lookup(norm.getScale());
  b.forColumns(size, [&](Columns columns) {
    Value scale = b.load(scaleMemory, {}, columns);
    if (!norm.getScaleOffset().isZero())
      scale = b.add(scale, b.splat(norm.getScaleOffset().convertToDouble()));
    write(columns, b.mul(b.mul(read(columns), inverse), scale));
  });
}

static void emitLayerNormRow(KernelBuilder &b, Kernel &kernel, llm::LayerNormOp norm, int64_t size,
                             function_ref<Value(Columns)> read, function_ref<void(Columns, Value)> write) {
  Value total = emitSum(b, size, read);
  Value mean = b.broadcast(b.div(total, b.scalar(static_cast<double>(size))));
  Value squares = emitSum(b, size, [&](Columns columns) {
    Value distance = keepUsed(b, columns, b.sub(read(columns), mean));
    return b.mul(distance, distance);
  });
  Value inverse = emitInverseRoot(b, squares, size, norm.getEpsilon());
  b.forColumns(size, [&](Columns columns) {
    Value y =
        b.mul(b.mul(b.sub(read(columns), mean), inverse), b.load(kernel.memory.lookup(norm.getScale()), {}, columns));
    if (norm.getBias())
      y = b.add(y, b.load(kernel.memory.lookup(norm.getBias()), {}, columns));
    write(columns, y);
  });
}

void yoke::emitNormRow(KernelBuilder &b, Kernel &kernel, Operation *norm, int64_t size,
                       function_ref<Value(Columns)> read, function_ref<void(Columns, Value)> write) {
  if (auto rms = dyn_cast<llm::RmsNormOp>(norm))
    emitRmsNormRow(b, kernel, rms, size, read, write);
  else
    emitLayerNormRow(b, kernel, cast<llm::LayerNormOp>(norm), size, read, write);
}

void yoke::emitNorm(KernelBuilder &b, Kernel &kernel) {
  Operation *norm = kernel.find<llm::RmsNormOp>();
  if (!norm)
    norm = kernel.find<llm::LayerNormOp>();
  Value x = kernel.memory.lookup(norm->getOperand(0));
  Value yielded = kernel.find<llm::YieldOp>().getValues().front();
  int64_t size = cast<RankedTensorType>(norm->getOperand(1).getType()).getDimSize(0);
  int64_t columns = cast<RankedTensorType>(yielded.getType()).getDimSize(1);

  auto [begin, end] = b.share(b.rows(kernel.result));
  b.loop(begin, end, b.index(1), [&](Value row) {
    b.loop(b.index(0), b.index(columns), b.index(size), [&](Value group) {
      emitNormRow(
          b, kernel, norm, size, [&](Columns inGroup) { return b.load(x, row, b.shifted(inGroup, group)); },
          [&](Columns inGroup, Value y) {
            Columns place = b.shifted(inGroup, group);
            ElementwiseEvaluator evaluator(b, kernel, row, place);
            evaluator.set(norm->getResult(0), y);
            b.store(evaluator.get(yielded), kernel.result, row, place);
          });
    });
  });
}
