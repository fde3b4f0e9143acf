#include "Interpreter/Frame.h"
#include "Interpreter/Experts.h"
#include "Interpreter/Kernels.h"
#include "Interpreter/Skips.h"
#include "Quantizer/GroupQuantizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke;

using MatrixPtr = std::shared_ptr<const Matrix>;
using Values = SmallVector<RuntimeValue>;

namespace {
/// One activation of a block. `execute` is overloaded per op and returns the op's results.
class Frame {
public:
  /// `outer` holds what is defined around a region that is not isolated.
  explicit Frame(Step &step, Frame *outer = nullptr) : step(step), outer(outer) {}
  Result<Values> run(Block &block, ArrayRef<RuntimeValue> arguments);
  Result<Values> run(Operation *op, ArrayRef<RuntimeValue> operands);

private:
  Result<Values> executeAndFit(Operation *op);
  const RuntimeValue &at(Value value) const {
    auto known = values.find(value);
    return known == values.end() && outer ? outer->at(value) : known->second;
  }
  const Matrix &matrix(Value value) { return *std::get<MatrixPtr>(at(value)); }
  const Matrix *optionalMatrix(Value value) { return value ? &matrix(value) : nullptr; }
  const std::vector<int32_t> &ids(Value value) { return std::get<std::vector<int32_t>>(at(value)); }
  static Values one(Matrix matrix) { return {RuntimeValue(std::make_shared<const Matrix>(std::move(matrix)))}; }

  /// The cache value behind `op`, which changes `cache`.
  Result<RuntimeValue> changed(Operation *op, Value cache);

  Result<Values> execute(Operation *op);
  Result<Values> execute(llm::EmbeddingOp op);
  Result<Values> execute(llm::LinearOp op);
  Result<Values> execute(llm::LmHeadOp op);
  Result<Values> execute(llm::AttentionOp op);
  Result<Values> execute(llm::FusedOp op);
  Result<Values> execute(llm::FfnSkipOp op);
  Result<Values> execute(llm::ModalitiesOp op);
  Result<Values> execute(llm::SegmentsOp op);
  Result<Values> execute(llm::ByModalityOp op);
  Result<Values> execute(moe::RouteOp op);
  Result<Values> execute(moe::ExpertsOp op);
  Result<Values> execute(ml_program::GlobalLoadConstOp op);
  Result<Values> execute(arith::ConstantOp op);
  Result<Values> execute(tensor::ExtractSliceOp op);
  Result<Values> execute(tensor::DimOp op);
  template <typename Function> Result<Values> elementwise(Operation *op, Function function);

  Step &step;
  Frame *outer;
  llvm::DenseMap<Value, RuntimeValue> values;
};
} // namespace

Result<Values> Frame::execute(llm::EmbeddingOp op) {
  auto result = kernels::embedding(ids(op.getIds()), matrix(op.getTable()), static_cast<int64_t>(op.getOffset()));
  if (!result)
    return errorAt(result.error().kind, op, result.error().message);
  return one(std::move(*result));
}

/// `x` as a projection with `x_type` multiplies it.
static Matrix rounded(Matrix x, std::optional<Type> type) {
  if (!type)
    return x;
  roundTo(*type, x);
  if (type->isInteger())
    for (int64_t row = 0; row < x.rows; ++row)
      roundActivations({x.row(row), static_cast<size_t>(x.cols)}, 32, type->isInteger(8) ? 127.0f : 32767.0f);
  return x;
}

Result<Values> Frame::execute(llm::LinearOp op) {
  return one(
      kernels::linear(rounded(matrix(op.getX()), op.getXType()), matrix(op.getWeight()), optionalMatrix(op.getBias())));
}

Result<Values> Frame::execute(llm::LmHeadOp op) {
  Matrix x = kernels::gatherRows(matrix(op.getX()), step.batch.outputs);
  return one(
      kernels::linear(rounded(std::move(x), op.getXType()), matrix(op.getWeight()), optionalMatrix(op.getBias())));
}

Result<RuntimeValue> Frame::changed(Operation *op, Value cache) {
  if (std::get<CacheValue>(at(cache)).version != step.cacheVersion)
    return errorAt(ErrorKind::Failed, op, "the cache value is used twice");
  return RuntimeValue(CacheValue{++step.cacheVersion});
}

Result<Values> Frame::execute(llm::AttentionOp op) {
  kernels::AttentionOptions options;
  options.heads = static_cast<int64_t>(op.getHeads());
  options.kvHeads = static_cast<int64_t>(op.getKvHeads());
  options.layer = static_cast<int64_t>(op.getLayer());
  options.scale = op.getScale().convertToDouble();
  options.bidirectional = op.getMask() == llm::AttentionMask::bidirectional;
  options.window = static_cast<int64_t>(op.getWindow().value_or(0));
  options.softcap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0.0;
  Matrix k = matrix(op.getK()), v = matrix(op.getV());
  Values results(1);
  if (op.getCache()) {
    results.push_back(YOKE_TRY(changed(op, op.getCache())));
    Type element = cast<llm::KVCacheType>(op.getCache().getType()).getElement();
    roundTo(element, k);
    roundTo(element, v);
    const Batch &batch = step.batch;
    for (int64_t t = 0; t < batch.size(); ++t)
      step.cache.write(options.layer, batch.sequences[t], batch.slots[t],
                       {batch.positions[t], {k.row(t), k.row(t) + k.cols}, {v.row(t), v.row(t) + v.cols}});
  }
  auto result = kernels::attention(matrix(op.getQ()), k, v, step.batch, op.getCache() ? &step.cache : nullptr, options);
  if (!result)
    return errorAt(result.error().kind, op, result.error().message);
  results[0] = std::make_shared<const Matrix>(std::move(*result));
  return results;
}

Result<Values> Frame::execute(llm::FusedOp op) {
  Values arguments;
  for (Value input : op.getInputs())
    arguments.push_back(at(input));
  return runBlock(step, op.getBody().front(), arguments);
}

Result<Values> Frame::execute(llm::FfnSkipOp op) {
  kernels::SkipPolicy policy{static_cast<int64_t>(op.getWarmUp()), op.getTau().convertToDouble(),
                             op.getRecord() ? 0 : static_cast<int32_t>(op.getK())};
  const std::vector<int32_t> *skips = op.mayBeSkipped() ? &ids(op.getSkips()) : nullptr;
  auto feedForward = [&](Matrix rows) -> Result<Matrix> {
    Values results = YOKE_TRY(Frame(step, this).run(op.getBody().front(), one(std::move(rows))));
    return *std::get<MatrixPtr>(results.front());
  };
  auto result = YOKE_TRY(kernels::ffnSkip(matrix(op.getX()), skips, ids(op.getPositions()), policy, feedForward));
  return Values{RuntimeValue(std::make_shared<const Matrix>(std::move(result.rows))),
                RuntimeValue(std::move(result.remaining))};
}

Result<Values> Frame::execute(llm::ModalitiesOp op) {
  std::vector<int32_t> modalities;
  for (int32_t token : ids(op.getTokens())) {
    int64_t modality = 0;
    for (auto [begin, end, number] : llvm::zip_equal(op.getBegins(), op.getEnds(), op.getNumbers()))
      if (token >= begin && token < end)
        modality = number;
    modalities.push_back(static_cast<int32_t>(modality));
  }
  return Values{RuntimeValue(std::move(modalities))};
}

Result<Values> Frame::execute(llm::SegmentsOp op) {
  auto newCache = YOKE_TRY(changed(op, op.getCache()));
  const Batch &batch = step.batch;
  const std::vector<int32_t> &tokens = ids(op.getTokens());
  auto type = cast<llm::KVCacheType>(op.getCache().getType());
  auto layer = static_cast<int64_t>(op.getLayer());
  std::vector<int32_t> modalities;
  for (int64_t t = 0; t < batch.size(); ++t) {
    int32_t before = batch.parents[t] < 0 ? batch.positions[t] - 1 : batch.slots[batch.parents[t]];
    const KvEntry *last = step.cache.find(layer, batch.sequences[t], before);
    int32_t open = last ? static_cast<int32_t>(last->key.front()) : 0, modality = open;
    for (auto [opens, closes, number] : llvm::zip_equal(op.getOpens(), op.getCloses(), op.getNumbers()))
      if (tokens[t] == opens || tokens[t] == closes) {
        open = tokens[t] == opens ? static_cast<int32_t>(number) : 0;
        modality = 0;
      }
    modalities.push_back(modality);
    std::vector<float> key(static_cast<size_t>(type.getHeads() * type.getHeadDim())), value(key);
    key.front() = static_cast<float>(open);
    step.cache.write(layer, batch.sequences[t], batch.slots[t], {batch.positions[t], key, value});
  }
  return Values{RuntimeValue(std::move(modalities)), std::move(newCache)};
}

Result<Values> Frame::execute(llm::ByModalityOp op) {
  const std::vector<int32_t> &modalities = ids(op.getModalities());
  for (int32_t modality : modalities)
    if (modality < 0 || static_cast<size_t>(modality) >= op.getBodies().size())
      return errorAt(ErrorKind::Malformed, op,
                     fmt::format("a token of modality {}, of which there are {}", modality, op.getBodies().size()));
  SmallVector<Matrix> results;
  for (Type type : op.getOutputs().getTypes())
    results.emplace_back(static_cast<int64_t>(modalities.size()), cast<RankedTensorType>(type).getDimSize(1));
  for (auto [number, body] : llvm::enumerate(op.getBodies())) {
    std::vector<int32_t> rows;
    for (size_t t = 0; t < modalities.size(); ++t)
      if (modalities[t] == static_cast<int32_t>(number))
        rows.push_back(static_cast<int32_t>(t));
    if (rows.empty())
      continue;
    Values arguments;
    for (Value input : op.getInputs())
      arguments.emplace_back(std::make_shared<const Matrix>(kernels::gatherRows(matrix(input), rows)));
    Values made = YOKE_TRY(Frame(step, this).run(body.front(), arguments));
    for (auto [result, value] : llvm::zip_equal(results, made)) {
      const Matrix &part = *std::get<MatrixPtr>(value);
      for (size_t r = 0; r < rows.size(); ++r)
        std::copy_n(part.row(static_cast<int64_t>(r)), part.cols, result.row(rows[r]));
    }
  }
  Values values;
  for (Matrix &result : results)
    values.emplace_back(std::make_shared<const Matrix>(std::move(result)));
  return values;
}

Result<Values> Frame::execute(moe::RouteOp op) {
  kernels::Routing routing = kernels::route(matrix(op.getLogits()), optionalMatrix(op.getBias()), op);
  return Values{RuntimeValue(std::make_shared<const Matrix>(std::move(routing.weights))),
                RuntimeValue(std::move(routing.experts))};
}

Result<Values> Frame::execute(moe::ExpertsOp op) {
  const Matrix &x = matrix(op.getX()), &weights = matrix(op.getWeights());
  const std::vector<int32_t> &choices = ids(op.getExperts());
  std::vector<const Matrix *> stacks;
  for (Value stack : op.getMatrices())
    stacks.push_back(&matrix(stack));
  auto runExpert = [&](Matrix rows, std::vector<Matrix> matrices) -> Result<Matrix> {
    Values arguments = one(std::move(rows));
    for (Matrix &each : matrices)
      arguments.emplace_back(std::make_shared<const Matrix>(std::move(each)));
    Values results = YOKE_TRY(runBlock(step, op.getBody().front(), arguments));
    return *std::get<MatrixPtr>(results.front());
  };
  auto result = kernels::experts(x, weights, choices, stacks, op.getCount(), runExpert);
  if (!result)
    return errorAt(result.error().kind, op, result.error().message);
  return one(std::move(*result));
}

Result<Values> Frame::execute(ml_program::GlobalLoadConstOp op) {
  return Values{RuntimeValue(YOKE_TRY(step.weights.load(op.getGlobalAttr(), op)))};
}

Result<Values> Frame::execute(arith::ConstantOp op) {
  auto integer = dyn_cast<IntegerAttr>(op.getValue());
  if (!integer || !op.getType().isIndex())
    return errorAt(ErrorKind::Failed, op, "only constants of type index are interpreted");
  return Values{RuntimeValue(integer.getInt())};
}

Result<Values> Frame::execute(tensor::ExtractSliceOp op) {
  auto unsupported = [&] {
    return errorAt(ErrorKind::Failed, op, "only ranges of columns over all rows are interpreted");
  };
  const Matrix &source = matrix(op.getSource());
  ArrayRef<int64_t> offsets = op.getStaticOffsets(), sizes = op.getStaticSizes();
  if (op.getSourceType().getRank() != 2 || op.getType().getRank() != 2 || offsets[0] != 0 ||
      ShapedType::isDynamic(offsets[1]) || ShapedType::isDynamic(sizes[1]) ||
      op.getStaticStrides() != ArrayRef<int64_t>{1, 1})
    return unsupported();
  int64_t rows = ShapedType::isDynamic(sizes[0]) ? std::get<int64_t>(at(op.getSizes()[0])) : sizes[0];
  if (rows != source.rows)
    return unsupported();
  Matrix result(rows, sizes[1]);
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(source.row(r) + offsets[1], sizes[1], result.row(r));
  return one(std::move(result));
}

Result<Values> Frame::execute(tensor::DimOp op) {
  auto dim = std::get<int64_t>(at(op.getIndex()));
  if (auto *list = std::get_if<std::vector<int32_t>>(&at(op.getSource())))
    return Values{RuntimeValue(static_cast<int64_t>(list->size()))};
  const Matrix &source = matrix(op.getSource());
  return Values{RuntimeValue(dim == 0 ? source.rows : source.cols)};
}

template <typename Function> Result<Values> Frame::elementwise(Operation *op, Function function) {
  if (!isa<RankedTensorType>(op->getResult(0).getType()))
    return errorAt(ErrorKind::Failed, op, "only tensors are interpreted");
  const Matrix &a = matrix(op->getOperand(0)), &b = matrix(op->getOperand(1));
  if (a.rows != b.rows || a.cols != b.cols)
    return errorAt(ErrorKind::Usage, op, "operands of different sizes");
  Matrix result(a.rows, a.cols);
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = function(a.data[i], b.data[i]);
  return one(std::move(result));
}

Result<Values> Frame::execute(Operation *op) {
  return llvm::TypeSwitch<Operation *, Result<Values>>(op)
      .Case<llm::EmbeddingOp, llm::LinearOp, llm::LmHeadOp, llm::AttentionOp, llm::FusedOp, llm::FfnSkipOp,
            llm::ModalitiesOp, llm::SegmentsOp, llm::ByModalityOp, moe::RouteOp, moe::ExpertsOp,
            ml_program::GlobalLoadConstOp, arith::ConstantOp, tensor::ExtractSliceOp, tensor::DimOp>(
          [&](auto concrete) { return execute(concrete); })
      .Case([&](llm::PositionsOp) { return Values{RuntimeValue(step.batch.positions)}; })
      .Case([&](llm::RopeTableOp x) { return one(kernels::ropeTable(step.batch.positions, x.getRope())); })
      .Case([&](llm::HeadLinearOp x) {
        return one(kernels::headLinear(matrix(x.getX()), matrix(x.getWeight()), x.getWeight().getType().getDimSize(0),
                                       static_cast<int64_t>(x.getFirst())));
      })
      .Case([&](llm::ConcatHeadsOp x) {
        return one(kernels::concatHeads(matrix(x.getA()), matrix(x.getB()), static_cast<int64_t>(x.getHeads())));
      })
      .Case([&](llm::ReshapeRowsOp x) -> Result<Values> {
        Matrix reshaped = matrix(x.getX());
        int64_t columns = x.getType().getDimSize(1), elements = reshaped.rows * reshaped.cols;
        if (elements % columns != 0)
          return errorAt(ErrorKind::Usage, op, "rows that do not make whole rows of the result");
        reshaped.rows = elements / columns;
        reshaped.cols = columns;
        return one(std::move(reshaped));
      })
      .Case([&](llm::RmsNormOp x) {
        return one(kernels::rmsNorm(matrix(x.getX()), matrix(x.getScale()), x.getEpsilon().convertToDouble(),
                                    x.getScaleOffset().convertToDouble()));
      })
      .Case([&](llm::LayerNormOp x) {
        return one(kernels::layerNorm(matrix(x.getX()), matrix(x.getScale()), optionalMatrix(x.getBias()),
                                      x.getEpsilon().convertToDouble()));
      })
      .Case([&](llm::ActivationOp x) { return one(kernels::activation(x.getKind(), matrix(x.getX()))); })
      .Case([&](llm::GatedOp x) { return one(kernels::gated(x.getKind(), matrix(x.getGate()), matrix(x.getUp()))); })
      .Case([&](llm::ScaleOp x) { return one(kernels::scale(matrix(x.getX()), x.getFactor().convertToFloat())); })
      .Case([&](llm::SoftcapOp x) { return one(kernels::softcap(matrix(x.getX()), x.getCap().convertToDouble())); })
      .Case([&](llm::BiasOp x) { return one(kernels::bias(matrix(x.getX()), matrix(x.getVector()))); })
      .Case([&](llm::RopeOp x) {
        return one(
            kernels::rope(matrix(x.getX()), matrix(x.getTable()), static_cast<int64_t>(x.getHeadDim()), x.getStyle()));
      })
      .Case([&](llm::PoolOp x) {
        return one(kernels::pool(x.getKind(), matrix(x.getX()), step.batch, x.getNormalize()));
      })
      .Case([&](moe::ScaleRowsOp x) { return one(kernels::scaleRows(matrix(x.getX()), matrix(x.getFactors()))); })
      .Case([&](arith::AddFOp) { return elementwise(op, [](float a, float b) { return a + b; }); })
      .Case([&](arith::SubFOp) { return elementwise(op, [](float a, float b) { return a - b; }); })
      .Case([&](arith::MulFOp) { return elementwise(op, [](float a, float b) { return a * b; }); })
      .Case([&](tensor::CastOp x) { return Values{at(x.getSource())}; })
      .Default([&](Operation *) { return errorAt(ErrorKind::Failed, op, "this op is not interpreted"); });
}

/// The result as a value of its type: of the right size, and rounded to the element type. Weights are already.
static Result<MatrixPtr> fit(Operation *op, Type type, const MatrixPtr &result) {
  YOKE_TRY(expectShape(op, type, *result));
  Type element = cast<RankedTensorType>(type).getElementType();
  if (element.isF32() || isa<ml_program::GlobalLoadConstOp>(op))
    return result;
  Matrix rounded = *result;
  roundTo(element, rounded);
  return std::make_shared<const Matrix>(std::move(rounded));
}

Result<Values> Frame::executeAndFit(Operation *op) {
  Values results = YOKE_TRY(execute(op));
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results))
    if (auto *computed = std::get_if<MatrixPtr>(&value))
      value = YOKE_TRY(fit(op, result.getType(), *computed));
  return results;
}

Result<Values> Frame::run(Operation *op, ArrayRef<RuntimeValue> operands) {
  for (auto [operand, value] : llvm::zip_equal(op->getOperands(), operands))
    values[operand] = value;
  return executeAndFit(op);
}

Result<Values> Frame::run(Block &block, ArrayRef<RuntimeValue> arguments) {
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
    values[argument] = value;
  for (Operation &op : block.without_terminator()) {
    Values results = YOKE_TRY(executeAndFit(&op));
    for (auto [result, value] : llvm::zip_equal(op.getResults(), results))
      values[result] = std::move(value);
  }
  Values results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(at(operand));
  return results;
}

Result<Values> yoke::runBlock(Step &step, Block &block, ArrayRef<RuntimeValue> arguments) {
  return Frame(step).run(block, arguments);
}

Result<Values> yoke::runOp(Step &step, Operation *op, ArrayRef<RuntimeValue> operands) {
  return Frame(step).run(op, operands);
}
