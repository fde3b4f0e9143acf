//===- Products.cpp - matrices on the arrays and in the banks -------------===//
#include "SimulatedDevice/StepWalk.h"
#include "Simulator/Half.h"

#include "Interpreter/Kernels.h"

using namespace mlir;
using namespace yoke;
using sim::TaskId;

TaskId StepWalk::round(Operation *op, const Handle &source, bool wantedRows, std::shared_ptr<Matrix> into) {
  TaskId rounded = program.join({readyOf(source)});
  program.whenDone(rounded, [this, op, value = source.value, wantedRows, into]() -> Status {
    const Matrix &from = matrixOf(value);
    for (int64_t row = 0; row < into->rows; ++row) {
      const float *x = from.row(wantedRows ? batch.outputs[row] : row);
      for (int64_t i = 0; i < into->cols; ++i) {
        float operand = sim::roundToHalf(x[i]);
        if (!std::isfinite(operand))
          return errorAt(ErrorKind::Failed, op, fmt::format("an operand of {} does not fit in fp16", x[i]));
        into->at(row, i) = operand;
      }
    }
    return {};
  });
  return rounded;
}

/// Sums of products in float32, several side by side as in an array.
static float dot(const float *a, const float *b, int64_t count) {
  constexpr int64_t lanes = 16;
  float sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int64_t lane = 0; lane < lanes; ++lane)
      sums[lane] += a[i + lane] * b[i + lane];
  for (; i < count; ++i)
    sums[0] += a[i] * b[i];
  float sum = 0;
  for (float each : sums)
    sum += each;
  return sum;
}

TaskId StepWalk::multiplyOnArrays(std::shared_ptr<const Matrix> weight, std::shared_ptr<Matrix> x,
                                  std::shared_ptr<Matrix> result, sim::Phase phase, TaskId ready) {
  const NpuTarget &npu = *state.target.npu;
  int64_t rounds =
      sim::ProgramBuilder::ceilDivide(sim::ProgramBuilder::ceilDivide(weight->cols, npu.arrayRows), npu.arrays);
  TaskId done = program.join();
  for (int64_t begin = 0; begin < weight->rows; begin += npu.arrayColumns) {
    int64_t end = std::min(weight->rows, begin + npu.arrayColumns);
    TaskId slice = program.product(phase, weight->cols * (end - begin) * npu.elementBytes,
                                   rounds * std::max(x->rows, npu.arrayRows), ready);
    program.whenDone(slice, [=]() -> Status {
      for (int64_t row = 0; row < x->rows; ++row)
        for (int64_t out = begin; out < end; ++out)
          result->at(row, out) = dot(weight->row(out), x->row(row), weight->cols);
      return {};
    });
    program.depend(done, slice);
  }
  state.flops += 2.0 * static_cast<double>(x->rows * weight->rows) * static_cast<double>(weight->cols);
  ++state.work.arrayProducts;
  return done;
}

Result<TaskId> StepWalk::multiplyInBanks(const Handle &weight, std::shared_ptr<Matrix> x,
                                         std::shared_ptr<Matrix> result, sim::Phase phase, TaskId ready) {
  auto found = state.matrices.find(weight.weight);
  if (found == state.matrices.end()) {
    const Matrix &matrix = matrixOf(weight.value);
    auto placed = sim::BankedMatrix::place(state.values, matrix.data, matrix.rows, matrix.cols);
    if (!placed)
      return makeError(placed.error().kind, "{}: {}", weight.weight, placed.error().message);
    found = state.matrices.emplace(weight.weight, std::move(*placed)).first;
  }
  ++state.work.bankProducts;
  return found->second.multiply(
      program, phase, x->rows, [x](int64_t row) { return std::span<const float>(x->row(row), size_t(x->cols)); },
      [result](int64_t row) { return std::span<float>(result->row(row), size_t(result->cols)); }, ready);
}

Status StepWalk::linear(Operation *op, Value x, Value weightValue, Value bias, bool head) {
  const Handle source = handle(x), weight = handle(weightValue);
  auto matrix = std::get<std::shared_ptr<const Matrix>>(*weight.value);
  int64_t rows = head ? static_cast<int64_t>(batch.outputs.size()) : source.rows;
  auto operand = std::make_shared<Matrix>(rows, matrix->cols), result = std::make_shared<Matrix>(rows, matrix->rows);
  if (rows == 0) {
    define(op->getResult(0), made(result, -1));
    return {};
  }
  sim::Phase phase = head ? sim::Phase::Head : sim::Phase::Projection;
  TaskId ready = round(op, source, head, operand), done;
  if (onPim && !head)
    done = YOKE_TRY(multiplyInBanks(weight, operand, result, phase, ready));
  else
    done = multiplyOnArrays(matrix, operand, result, phase, ready);
  if (bias) {
    auto vector = std::get<std::shared_ptr<const Matrix>>(*handle(bias).value);
    done = program.vectors(rows, program.lanes(result->cols), phase, done);
    program.whenDone(done, [result, vector]() -> Status {
      for (int64_t row = 0; row < result->rows; ++row)
        for (int64_t i = 0; i < result->cols; ++i)
          result->at(row, i) += vector->data[size_t(i)];
      return {};
    });
  }
  define(op->getResult(0), made(result, done));
  return {};
}

Status StepWalk::headLinear(llm::HeadLinearOp op) {
  const NpuTarget &npu = *state.target.npu;
  const Handle source = handle(op.getX());
  auto matrix = std::get<std::shared_ptr<const Matrix>>(*handle(op.getWeight()).value);
  int64_t heads = op.getWeight().getType().getDimSize(0), outputs = matrix->rows / heads;
  auto operand = std::make_shared<Matrix>(source.rows, source.cols);
  auto result = std::make_shared<Matrix>(source.rows, matrix->rows);
  using sim::ProgramBuilder;
  int64_t tiles = heads * ProgramBuilder::ceilDivide(outputs, npu.arrayColumns) *
                  ProgramBuilder::ceilDivide(matrix->cols, npu.arrayRows);
  TaskId ready = round(op, source, false, operand);
  TaskId done =
      program.product(sim::Phase::Projection, matrix->rows * matrix->cols * npu.elementBytes,
                      ProgramBuilder::ceilDivide(tiles, npu.arrays) * std::max(source.rows, npu.arrayRows), ready);
  program.whenDone(done, [=, first = static_cast<int64_t>(op.getFirst())]() -> Status {
    *result = kernels::headLinear(*operand, *matrix, heads, first);
    return {};
  });
  state.flops += 2.0 * static_cast<double>(source.rows * matrix->rows) * static_cast<double>(matrix->cols);
  ++state.work.arrayProducts;
  define(op.getResult(), made(result, done));
  return {};
}
