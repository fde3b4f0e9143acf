//===- ExpertTasks.cpp - experts that a router has chosen -----------------===//
#include "SimulatedDevice/StepWalk.h"

using namespace mlir;
using namespace yoke;
using sim::TaskId;

Result<Handle> StepWalk::runExpert(moe::ExpertsOp op, int64_t expert, Matrix rows) {
  Handles arguments;
  arguments.push_back(made(std::make_shared<Matrix>(std::move(rows)), -1));
  for (Value stack : op.getMatrices()) {
    const Handle &whole = handle(stack);
    const Matrix &matrices = matrixOf(whole.value);
    int64_t height = matrices.rows / op.getCount();
    Handle one = made(std::make_shared<Matrix>(
                          height, matrices.cols,
                          std::vector<float>(matrices.row(expert * height), matrices.row((expert + 1) * height))),
                      -1);
    one.weight = fmt::format("{}#{}", whole.weight, expert);
    arguments.push_back(std::move(one));
  }
  return YOKE_TRY(walk(op.getBody().front(), std::move(arguments))).front();
}

Status StepWalk::experts(moe::ExpertsOp op) {
  YOKE_TRY(finishSegment());
  const Handle x = handle(op.getX()), weights = handle(op.getWeights());
  const auto choices = std::get<std::vector<int32_t>>(*handle(op.getExperts()).value);
  int64_t topK = weights.cols;
  std::vector<std::vector<int64_t>> pairsOf(static_cast<size_t>(op.getCount()));
  for (auto [pair, expert] : llvm::enumerate(choices))
    pairsOf[static_cast<size_t>(expert)].push_back(static_cast<int64_t>(pair));
  TaskId ready = program.join();
  struct Part {
    std::vector<int64_t> pairs;
    std::shared_ptr<RuntimeValue> rows;
  };
  std::vector<Part> parts;
  for (auto [expert, pairs] : llvm::enumerate(pairsOf)) {
    if (pairs.empty())
      continue;
    Matrix rows(static_cast<int64_t>(pairs.size()), x.cols);
    for (int64_t r = 0; r < rows.rows; ++r)
      std::copy_n(matrixOf(x.value).row(pairs[static_cast<size_t>(r)] / topK), x.cols, rows.row(r));
    Handle done = YOKE_TRY(runExpert(op, static_cast<int64_t>(expert), std::move(rows)));
    program.depend(ready, readyOf(done));
    parts.push_back({std::move(pairs), done.value});
  }
  auto result = std::make_shared<Matrix>(x.rows, op.getType().getDimSize(1));
  TaskId summed = program.vectors(x.rows, topK * program.lanes(result->cols), sim::Phase::FeedForward, ready);
  program.whenDone(summed, [=, weights = weights.value, parts = std::move(parts)]() -> Status {
    for (const Part &part : parts)
      for (auto [row, pair] : llvm::enumerate(part.pairs)) {
        float weight = matrixOf(weights).data[static_cast<size_t>(pair)];
        const float *made = matrixOf(part.rows).row(static_cast<int64_t>(row));
        for (int64_t i = 0; i < result->cols; ++i)
          result->at(pair / topK, i) += weight * made[i];
      }
    return {};
  });
  define(op.getResult(), made(result, summed));
  return {};
}
