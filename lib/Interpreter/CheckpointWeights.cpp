#include "Checkpoint/Checkpoint.h"
#include "Import/QuantFormats.h"
#include "Interpreter/Weights.h"
#include "Quantizer/StoredMatrix.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace yoke;

static Result<Matrix> readTensor(const Checkpoint &checkpoint, llvm::StringRef name) {
  const TensorInfo *tensor = checkpoint.find(std::string_view(name));
  if (!tensor)
    return malformed("{}: there is no tensor {}", checkpoint.folder(), name.str());
  if (tensor->shape.size() < 1 || tensor->shape.size() > 3)
    return malformed("{}: {}: expected rank 1 to 3, found {}", checkpoint.folder(), name.str(), tensor->shape.size());
  if (!isConvertibleToFloat(tensor->dtype))
    return malformed("{}: {}: {} is not a type of weights", checkpoint.folder(), name.str(), dtypeName(tensor->dtype));
  int64_t cols = tensor->shape.size() == 1 ? 1 : tensor->shape.back();
  Matrix result(cols == 0 ? 0 : tensor->elementCount() / cols, cols);
  convertToFloat(tensor->dtype, checkpoint.bytes(*tensor), result.data);
  return result;
}

/// The elements of a weight whose integers and scales the checkpoint stores.
static Result<Matrix> readStored(const Checkpoint &checkpoint, mlir::RankedTensorType type, llm::WeightAttr weight) {
  QuantFormat format = quantFormat(mlir::cast<llm::QuantType>(type.getElementType()), weight.getCoding());
  Matrix result(type.getNumElements() / type.getShape().back(), type.getShape().back());
  int64_t next = 0;
  QuantizedRow row;
  for (llm::PieceAttr piece : weight.getPieces()) {
    auto stored = YOKE_TRY(StoredMatrix::open(checkpoint, std::string_view(piece.getTensor()), format, result.cols));
    if (piece.sourceRow(piece.getRows() - 1) >= stored.rows() || next + piece.getRows() > result.rows)
      return malformed("{}: the piece does not fit", piece.getTensor().str());
    for (int64_t r = 0; r < piece.getRows(); ++r, ++next) {
      stored.readRow(piece.sourceRow(r), row);
      dequantizeRow(format, row, {result.row(next), static_cast<size_t>(result.cols)});
    }
  }
  return result;
}

WeightProvider yoke::checkpointWeights(const Checkpoint &checkpoint) {
  auto floats = piecewiseWeights([&checkpoint](llvm::StringRef name) { return readTensor(checkpoint, name); });
  return [&checkpoint, floats = std::move(floats)](mlir::ml_program::GlobalOp global) -> Result<Matrix> {
    auto weight = mlir::dyn_cast_if_present<llm::WeightAttr>(global.getValueAttr());
    auto type = mlir::dyn_cast<mlir::RankedTensorType>(global.getType());
    if (weight && type && weight.getCoding() == llm::WeightCoding::stored &&
        mlir::isa<llm::QuantType>(type.getElementType()))
      return readStored(checkpoint, type, weight);
    return floats(global);
  };
}
