//===- EmitHeads.cpp - kernels that treat each head alone -----------------===//
#include "LowerCpu/Kernel.h"
#include "LowerCpu/PanelProduct.h"

using namespace mlir;
using namespace yoke;

/// A thread owns panels of the matrices of all heads and multiplies every row of activations with each.
void yoke::emitHeadLinear(KernelBuilder &b, Kernel &kernel) {
  auto op = kernel.find<llm::HeadLinearOp>();
  auto weight = op.getWeight().getType();
  int64_t heads = weight.getDimSize(0);
  PanelMatrix matrix{kernel.memory.lookup(op.getWeight()), weight.getDimSize(1), weight.getDimSize(2)};
  Value x = kernel.memory.lookup(op.getX()), rows = b.rows(x);
  int64_t width = op.getX().getType().getDimSize(1) / heads;
  RowBlocks blocks = PanelProduct::blocksOf(b, b.index(0), rows);

  auto [begin, end] = b.share(b.index(heads * matrix.panels()));
  b.loop(begin, end, b.index(1), [&](Value unit) {
    Value head = b.quotient(unit, matrix.panels()), panel = b.remainder(unit, matrix.panels());
    Value first = b.add(b.mul(head, b.index(width)), b.index(static_cast<int64_t>(op.getFirst())));
    SmallVector<OpFoldResult> offsets = {b.getIndexAttr(0), first};
    SmallVector<OpFoldResult> sizes = {rows, b.getIndexAttr(matrix.inputs)};
    SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
    Value inputs = memref::SubViewOp::create(b, x, offsets, sizes, strides);
    Value output = b.mul(head, b.index(matrix.outputs));
    PanelProduct(b, matrix, head)
        .emit(
            ProductRows{.values = inputs}, panel, blocks, [](Value row) { return row; },
            [&](Value row, Columns columns, ArrayRef<Value> sums) {
              b.store(sums[0], kernel.result, row, b.shifted(columns, output));
            });
  });
}

void yoke::emitConcatHeads(KernelBuilder &b, Kernel &kernel) {
  auto op = kernel.find<llm::ConcatHeadsOp>();
  auto heads = static_cast<int64_t>(op.getHeads());
  int64_t total = op.getType().getDimSize(1) / heads;
  auto [begin, end] = b.share(b.rows(kernel.result));
  b.loop(begin, end, b.index(1), [&](Value row) {
    b.loop(b.index(0), b.index(heads), b.index(1), [&](Value head) {
      int64_t behind = 0;
      for (Value operand : op.getOperands()) {
        int64_t width = cast<RankedTensorType>(operand.getType()).getDimSize(1) / heads;
        Value from = b.mul(head, b.index(width)), to = b.add(b.mul(head, b.index(total)), b.index(behind));
        b.forColumns(width, [&](Columns columns) {
          Value x = b.load(kernel.memory.lookup(operand), row, b.shifted(columns, from));
          b.store(x, kernel.result, row, b.shifted(columns, to));
        });
        behind += width;
      }
    });
  });
}
