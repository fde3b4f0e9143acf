#include "RandomTensors.h"

#include "LLM/LLM.h"
#include "Support/Json.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

#include <cmath>
#include <fstream>

using namespace mlir;
using namespace yoke;

static const llvm::fltSemantics &semanticsOf(Type element) { return cast<FloatType>(element).getFloatSemantics(); }

static llvm::APFloat convertTo(Type element, float value) {
  llvm::APFloat result(value);
  bool lost = false;
  result.convert(semanticsOf(element), llvm::APFloat::rmNearestTiesToEven, &lost);
  return result;
}

std::string RandomTensors::addTensor(const std::string &name, int64_t rows, int64_t cols, bool isVector) {
  // Stored as the program has it, or wider when the user asks for narrower weights.
  Type stored = random.oneIn(4) ? Type(Float32Type::get(module.getContext())) : Type(element);
  Matrix values(rows, cols);
  float size = isVector ? 1.0f : std::sqrt(3.0f / static_cast<float>(cols));
  for (float &value : values.data)
    value = convertTo(stored, random.uniform() * size).convertToFloat();
  tensors.push_back({name, stored, isVector, std::move(values)});
  return name;
}

Value RandomTensors::load(OpBuilder &builder, ModuleOp module, const std::string &name) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(name);
  return ml_program::GlobalLoadConstOp::create(builder, global.getLoc(), global.getType(),
                                               SymbolRefAttr::get(builder.getContext(), name));
}

Value RandomTensors::addGlobal(OpBuilder &builder, const std::string &name, RankedTensorType type, Attribute weight) {
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  ml_program::GlobalOp::create(top, builder.getUnknownLoc(), name, type, /*is_mutable=*/false, weight,
                               top.getStringAttr("private"));
  return load(builder, module, name);
}

Value RandomTensors::vector(OpBuilder &builder, const std::string &name, int64_t size) {
  addTensor(name, size, 1, /*isVector=*/true);
  MLIRContext *context = builder.getContext();
  auto piece = llm::PieceAttr::get(context, name, 0, size, size, 1, false);
  return addGlobal(builder, name, RankedTensorType::get({size}, element), llm::WeightAttr::get(context, {piece}));
}

Value RandomTensors::matrix(OpBuilder &builder, const std::string &name, int64_t rows, int64_t cols) {
  MLIRContext *context = builder.getContext();
  SmallVector<llm::PieceAttr> pieces;
  int64_t half = rows / 2;
  switch (random.integer(0, 5)) {
  case 0:
    addTensor(name, cols, rows, false);
    pieces = {llm::PieceAttr::get(context, name, 0, rows, rows, 1, true)};
    break;
  case 1:
    if (half > 0) {
      addTensor(name + ".a", half, cols, false);
      addTensor(name + ".b", rows - half, cols, false);
      pieces = {llm::PieceAttr::get(context, name + ".a", 0, half, half, 1, false),
                llm::PieceAttr::get(context, name + ".b", 0, rows - half, rows - half, 1, false)};
      break;
    }
    [[fallthrough]];
  case 2:
    if (rows % 2 == 0) {
      addTensor(name + ".fused", 3 * rows, cols, false);
      pieces = {llm::PieceAttr::get(context, name + ".fused", half, half, 3 * half, 2, false)};
      break;
    }
    [[fallthrough]];
  default:
    addTensor(name, rows, cols, false);
    pieces = {llm::PieceAttr::get(context, name, 0, rows, rows, 1, false)};
  }
  return addGlobal(builder, name, RankedTensorType::get({rows, cols}, element), llm::WeightAttr::get(context, pieces));
}

Value RandomTensors::stack(OpBuilder &builder, const std::string &name, int64_t count, int64_t rows, int64_t cols) {
  MLIRContext *context = builder.getContext();
  SmallVector<llm::PieceAttr> pieces;
  if (random.oneIn(3)) {
    // Some columns of the transpose of one tensor.
    int64_t stride = cols + random.integer(0, 3);
    std::string whole = addTensor(name + ".whole", count * stride, rows, false);
    for (int64_t i = 0; i < count; ++i)
      pieces.push_back(llm::PieceAttr::get(context, whole, 0, rows, rows, 1, true, i * stride, cols));
    return addGlobal(builder, name, RankedTensorType::get({count, rows, cols}, element),
                     llm::WeightAttr::get(context, pieces));
  }
  int64_t tensors = random.oneIn(2) ? 1 : count, each = count * rows / tensors;
  for (int64_t i = 0; i < tensors; ++i) {
    std::string part = addTensor(fmt::format("{}.{}", name, i), each, cols, false);
    pieces.push_back(llm::PieceAttr::get(context, part, 0, each, each, 1, false));
  }
  return addGlobal(builder, name, RankedTensorType::get({count, rows, cols}, element),
                   llm::WeightAttr::get(context, pieces));
}

WeightProvider RandomProgram::weights() const {
  return piecewiseWeights([this](StringRef name) -> Result<Matrix> {
    for (const RandomTensor &tensor : tensors)
      if (tensor.name == name)
        return tensor.values;
    return malformed("there is no tensor {}", name.str());
  });
}

Status RandomProgram::writeCheckpoint(const std::string &folder) const {
  Json header = Json::object();
  std::string bytes;
  for (const RandomTensor &tensor : tensors) {
    size_t begin = bytes.size();
    for (float value : tensor.values.data) {
      llvm::APInt bits = convertTo(tensor.element, value).bitcastToAPInt();
      for (unsigned i = 0; i < bits.getBitWidth(); i += 8)
        bytes.push_back(static_cast<char>(bits.extractBitsAsZExtValue(8, i)));
    }
    Json shape =
        tensor.isVector ? Json::array({tensor.values.rows}) : Json::array({tensor.values.rows, tensor.values.cols});
    header[tensor.name] = {{"dtype", tensor.element.isF32()    ? "F32"
                                     : tensor.element.isBF16() ? "BF16"
                                                               : "F16"},
                           {"shape", shape},
                           {"data_offsets", {begin, bytes.size()}}};
  }
  std::string text = dumpJson(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  auto length = static_cast<uint64_t>(text.size());
  std::ofstream file(folder + "/model.safetensors", std::ios::binary);
  for (unsigned i = 0; i < 8; ++i)
    file.put(static_cast<char>(length >> (8 * i)));
  file << text << bytes;
  std::ofstream config(folder + "/config.json");
  config << "{}\n";
  if (!file.flush() || !config.flush())
    return outOfResources("{}: cannot write the checkpoint", folder);
  return {};
}
