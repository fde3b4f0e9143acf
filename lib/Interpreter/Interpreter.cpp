#include "Interpreter/Interpreter.h"
#include "Import/QuantFormats.h"
#include "Interpreter/Frame.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace mlir;
using namespace yoke;

tl::unexpected<Error> yoke::errorAt(ErrorKind kind, Operation *op, const std::string &message) {
  std::string location;
  llvm::raw_string_ostream(location) << op->getLoc();
  return makeError(kind, "{} at {}: {}", op->getName().getStringRef().str(), location, message);
}

void yoke::roundTo(Type element, Matrix &matrix) {
  if (!element.isBF16() && !element.isF16())
    return;
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  for (float &value : matrix.data) {
    llvm::APFloat rounded(value);
    bool lost = false;
    rounded.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
    value = rounded.convertToFloat();
  }
}

Status yoke::expectShape(Operation *op, Type type, const Matrix &matrix) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() < 1 || tensor.getRank() > 3)
    return errorAt(ErrorKind::Failed, op, "a value that is not a tensor of rank 1 to 3");
  int64_t rows = tensor.getDimSize(0), cols = tensor.getRank() > 1 ? tensor.getShape().back() : 1;
  // Stacked matrices lie one below the other.
  if (tensor.getRank() == 3)
    rows *= tensor.getDimSize(1);
  if ((!ShapedType::isDynamic(rows) && rows != matrix.rows) || (!ShapedType::isDynamic(cols) && cols != matrix.cols))
    return errorAt(ErrorKind::Usage, op,
                   fmt::format("a value of {} x {} where the type says {} x {}", matrix.rows, matrix.cols,
                               ShapedType::isDynamic(rows) ? "?" : std::to_string(rows),
                               ShapedType::isDynamic(cols) ? "?" : std::to_string(cols)));
  return {};
}

/// Rounds rows to what a quantised weight can hold.
static void quantizeTo(llm::QuantType type, llm::WeightCoding coding, Matrix &matrix) {
  QuantFormat format = quantFormat(type, coding);
  QuantizedRow row;
  for (int64_t r = 0; r < matrix.rows; ++r) {
    std::span<float> values(matrix.row(r), static_cast<size_t>(matrix.cols));
    quantizeRow(format, values, row);
    dequantizeRow(format, row, values);
  }
}

Result<std::shared_ptr<const Matrix>> WeightCache::load(SymbolRefAttr name, Operation *user) {
  std::string key = name.getLeafReference().str();
  if (auto it = loaded.find(key); it != loaded.end())
    return it->second;
  auto global = symbols.lookup<ml_program::GlobalOp>(name.getLeafReference());
  if (!global)
    return errorAt(ErrorKind::Failed, user, "there is no global @" + key);
  Matrix values = YOKE_TRY(provider(global));
  YOKE_TRY(expectShape(user, global.getType(), values));
  Type element = cast<RankedTensorType>(global.getType()).getElementType();
  if (auto quant = dyn_cast<llm::QuantType>(element)) {
    auto weight = dyn_cast_if_present<llm::WeightAttr>(global.getValueAttr());
    llm::WeightCoding coding = weight ? weight.getCoding() : llm::WeightCoding::rounded;
    if (coding != llm::WeightCoding::stored)
      quantizeTo(quant, coding, values);
  }
  roundTo(element, values);
  if (storage)
    roundTo(storage, values);
  return loaded[key] = std::make_shared<const Matrix>(std::move(values));
}

/// The function's arguments, bound by type.
static Result<SmallVector<RuntimeValue>> bindArguments(func::FuncOp function, const Batch &batch,
                                                       const std::vector<Matrix> &inputs) {
  SmallVector<RuntimeValue> values;
  size_t nextInput = 0;
  for (Type type : function.getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (isa<llm::BatchType>(type)) {
      values.emplace_back(BatchValue{});
    } else if (isa<llm::KVCacheType>(type)) {
      values.emplace_back(CacheValue{0});
    } else if (tensor && tensor.getElementType().isInteger(32)) {
      values.emplace_back(batch.tokens);
    } else if (tensor && isa<FloatType>(tensor.getElementType()) && nextInput < inputs.size()) {
      Matrix input = inputs[nextInput++];
      YOKE_TRY(expectShape(function, type, input));
      roundTo(tensor.getElementType(), input);
      values.emplace_back(std::make_shared<const Matrix>(std::move(input)));
    } else {
      return errorAt(ErrorKind::Usage, function, fmt::format("no value for argument {}", values.size()));
    }
  }
  return values;
}

Result<std::vector<Matrix>> Interpreter::run(StringRef name, const Batch &batch, KvCache &cache,
                                             const std::vector<Matrix> &inputs) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return failed("the module has no function @{} with a body", name.str());
  YOKE_TRY(batch.verify());
  SmallVector<RuntimeValue> arguments = YOKE_TRY(bindArguments(function, batch, inputs));
  Step step{batch, cache, weights};
  SmallVector<RuntimeValue> results = YOKE_TRY(runBlock(step, function.getBody().front(), arguments));
  std::vector<Matrix> matrices;
  for (RuntimeValue &value : results)
    if (auto *matrix = std::get_if<std::shared_ptr<const Matrix>>(&value))
      matrices.push_back(**matrix);
  return matrices;
}
