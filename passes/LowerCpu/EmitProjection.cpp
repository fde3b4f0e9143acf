//===- EmitProjection.cpp - kernels around a matrix product ---------------===//
//
// A thread owns panels of output rows and multiplies every row of activations with each.
//
//===----------------------------------------------------------------------===//
#include "Decode/Decode.h"
#include "LowerCpu/BestColumns.h"
#include "LowerCpu/Kernel.h"
#include "LowerCpu/PanelProduct.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace yoke;

namespace {
class ProjectionEmitter {
public:
  ProjectionEmitter(KernelBuilder &b, Kernel &kernel) : b(b), kernel(kernel) {
    op = kernel.find<llm::LinearOp>();
    head = kernel.find<llm::LmHeadOp>();
    if (head)
      op = head;
    Value memory = kernel.memory.lookup(op->getOperand(1));
    matrix =
        head ? PanelMatrix::of(memory, head) : PanelMatrix::of(memory, cast<llm::LinearOp>(op), kernel.interleave > 0);
    topK = kernel.find<decode::TopKOp>();
    yielded = topK ? topK.getX() : kernel.find<llm::YieldOp>().getValues().front();
    Value bias = head ? head.getBias() : cast<llm::LinearOp>(op).getBias();
    if (bias)
      biasMemory = kernel.memory.lookup(bias);
    if (matrix.interleaved)
      findHalves();
  }

  void emit() {
    ProductRows x = emitInput();
    if (topK) {
      best.emplace(b, topK.getK(), kernel.workspace, workspaceUsed, rowCount());
      best->clear();
    }
    RowBlocks rows = PanelProduct::blocksOf(b, b.index(0), rowCount());
    forPanels([&](Value begin, Value end) {
      PanelProduct(b, matrix).emitPanels(
          x, begin, end, rows, [](Value row) { return row; },
          [&](Value row, Columns place, ArrayRef<Value> sums) { emitEpilogue(row, place, sums); });
    });
    if (best)
      best->merge(kernel.result, kernel.tensors.back());
  }

private:
  /// Calls `body` for runs of the thread's panels. The lists of best columns are in the order of threads, so that a
  /// thread then has one part.
  void forPanels(function_ref<void(Value, Value)> body) {
    Value count = b.index(matrix.panels()), together = b.index(b.shape.panelsTogether);
    auto inParts = [&](Value begin, Value end) {
      b.loop(begin, end, together, [&](Value first) {
        Value next = b.add(first, together);
        body(first, b.shape.panelsTogether == 1 ? next : b.least(next, end));
      });
    };
    if (b.shape.dealtPanels > 0 && !best)
      return b.dealtRuns(count, b.shape.dealtPanels, inParts);
    auto [begin, end] = b.share(count);
    inParts(begin, end);
  }

  /// Finds the slices of the gate and of the other half.
  void findHalves() {
    for (auto slice : kernel.fused.getBody().getOps<tensor::ExtractSliceOp>())
      halves[slice.getStaticOffsets()[1] == 0 ? 0 : 1] = slice.getResult();
  }

  Value inputMemory() {
    Value x = op->getOperand(0);
    Operation *norm = x.getDefiningOp();
    return kernel.memory.lookup(norm ? norm->getOperand(0) : x);
  }

  Value rowCount() { return b.rows(head ? kernel.batch.outputs : inputMemory()); }

  /// The rows to multiply: the operand itself, or rows gathered, normalised and rounded into the workspace by all
  /// threads together.
  ProductRows emitInput() {
    Operation *norm = op->getOperand(0).getDefiningOp();
    Value source = inputMemory();
    RowRounder rounder(b, matrix.element, matrix.rowElement, matrix.inputs);
    if (!norm && !head && !rounder.isNeeded())
      return {.values = source};

    Value rows = rowCount(), place = b.index(0), floats;
    if (norm || !rounder.isNeeded()) {
      auto type = MemRefType::get({ShapedType::kDynamic, matrix.inputs}, b.getF32Type());
      floats = memref::ViewOp::create(b, type, kernel.workspace, place, rows);
      place = b.mul(rows, b.index(matrix.inputs * static_cast<int64_t>(sizeof(float))));
    }
    ProductRows result =
        rounder.isNeeded() ? rounder.place(kernel.workspace, place, rows) : ProductRows{.values = floats};
    auto [begin, end] = b.share(rows);
    b.loop(begin, end, b.index(1), [&](Value row) {
      Value from = head ? b.toIndex(b.element(kernel.batch.outputs, row)) : row;
      auto read = [&](Columns columns) { return b.load(source, from, columns); };
      auto write = [&](Columns columns, Value y) { b.store(y, floats, row, columns); };
      if (norm)
        emitNormRow(b, kernel, norm, matrix.inputs, read, write);
      else if (floats)
        b.forColumns(matrix.inputs, [&](Columns columns) { write(columns, read(columns)); });
      if (rounder.isNeeded())
        rounder.emitRow(norm ? floats : source, norm ? row : from, result, row);
    });
    workspaceUsed = place;
    b.barrier();
    return result;
  }

  Value withBias(Value sum, Columns columns) { return biasMemory ? b.add(sum, b.load(biasMemory, {}, columns)) : sum; }

  void emitEpilogue(Value row, Columns place, ArrayRef<Value> sums) {
    ElementwiseEvaluator evaluator(b, kernel, row, place);
    if (matrix.interleaved) {
      evaluator.set(halves[0], withBias(sums[0], place));
      evaluator.set(halves[1], withBias(sums[1], b.shifted(place, b.index(matrix.outputs / 2))));
    } else {
      evaluator.set(op->getResult(0), withBias(sums[0], place));
    }
    Value result = evaluator.get(yielded);
    if (best)
      best->add(row, place, result);
    else
      b.store(result, kernel.result, row, place);
  }

  KernelBuilder &b;
  Kernel &kernel;
  Operation *op = nullptr;
  llm::LmHeadOp head;
  decode::TopKOp topK;
  std::optional<BestColumns> best;
  Value workspaceUsed; ///< bytes, of a head's
  PanelMatrix matrix;
  Value biasMemory, yielded;
  Value halves[2];
};
} // namespace

void yoke::emitProjection(KernelBuilder &b, Kernel &kernel) { ProjectionEmitter(b, kernel).emit(); }
