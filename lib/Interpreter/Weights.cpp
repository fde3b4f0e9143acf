#include "Interpreter/Weights.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace yoke;

static Result<Matrix> emptyLike(ml_program::GlobalOp global) {
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || !type.hasStaticShape() || type.getRank() < 1 || type.getRank() > 3)
    return malformed("@{}: expected a weight of a static shape of rank 1 to 3", global.getSymName().str());
  int64_t cols = type.getRank() == 1 ? 1 : type.getShape().back();
  return Matrix(type.getNumElements() / std::max<int64_t>(cols, 1), cols);
}

/// Appends the rows of `piece` to `values`.
static Status appendPiece(std::vector<float> &values, const Matrix &tensor, llm::PieceAttr piece) {
  bool transposed = piece.getTransposed();
  int64_t rows = transposed ? tensor.cols : tensor.rows;
  int64_t cols = transposed ? tensor.rows : tensor.cols;
  int64_t last = piece.sourceRow(piece.getRows() - 1), width = piece.width(cols), begin = piece.getFirstColumn();
  if (width < 0)
    return malformed("{}: the piece ends at column {} of {} columns", piece.getTensor().str(),
                     begin + piece.getColumns() - 1, cols);
  if (last >= rows)
    return malformed("{}: the piece ends at row {} of {} rows", piece.getTensor().str(), last, rows);
  for (int64_t r = 0; r < piece.getRows(); ++r)
    for (int64_t c = begin; c < begin + width; ++c)
      values.push_back(transposed ? tensor.at(c, piece.sourceRow(r)) : tensor.at(piece.sourceRow(r), c));
  return {};
}

WeightProvider yoke::piecewiseWeights(TensorReader read) {
  return [read = std::move(read)](ml_program::GlobalOp global) -> Result<Matrix> {
    Matrix result = YOKE_TRY(emptyLike(global));
    if (auto constant = dyn_cast_or_null<DenseFPElementsAttr>(global.getValueAttr());
        constant && constant.getElementType().isF32()) {
      llvm::copy(constant.getValues<float>(), result.data.begin());
      return result;
    }
    auto weight = dyn_cast_or_null<llm::WeightAttr>(global.getValueAttr());
    if (!weight)
      return malformed("@{}: expected an #llm.weight value", global.getSymName().str());
    std::vector<float> values;
    for (llm::PieceAttr piece : weight.getPieces()) {
      Matrix tensor = YOKE_TRY(read(piece.getTensor()));
      YOKE_TRY(appendPiece(values, tensor, piece));
    }
    if (values.size() != result.data.size())
      return malformed("@{}: its pieces hold {} values, its type {}", global.getSymName().str(), values.size(),
                       result.data.size());
    result.data = std::move(values);
    return result;
  };
}

WeightProvider yoke::randomWeights(uint64_t seed) {
  return [seed](ml_program::GlobalOp global) -> Result<Matrix> {
    Matrix result = YOKE_TRY(emptyLike(global));
    std::mt19937_64 engine(seed ^ llvm::xxh3_64bits(global.getSymName()));
    double size = result.cols > 1 ? std::sqrt(3.0 / static_cast<double>(result.cols)) : 1.0;
    for (float &value : result.data)
      value = static_cast<float>((static_cast<double>(engine() >> 11) * 0x1p-52 - 1.0) * size);
    return result;
  };
}
