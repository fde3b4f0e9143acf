//===- WeightPacker.cpp - checkpoint tensors to packed weights ------------===//
#include "Compiler/WeightPacker.h"

#include "LowerCpu/WeightLayout.h"

#include <bit>
#include <cstring>

using namespace yoke;

namespace {

/// Rounds to nearest, ties to even; keeps infinities and not-a-numbers.
uint16_t toBFloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t toFloat16(float value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }

/// Reads rows of a weight from its pieces.
class RowReader {
public:
  static Result<RowReader> open(const Checkpoint &checkpoint, const PackedWeight &weight) {
    RowReader reader(checkpoint, weight);
    for (llm::PieceAttr piece : weight.source.getPieces()) {
      const TensorInfo *tensor = checkpoint.find(std::string_view(piece.getTensor()));
      if (!tensor)
        return malformed("{}: the checkpoint has no tensor {}", weight.name, piece.getTensor().str());
      if (!isConvertibleToFloat(tensor->dtype))
        return malformed("{}: tensor {} is of type {}, expected F32, F16, BF16 or F64", weight.name,
                         piece.getTensor().str(), dtypeName(tensor->dtype));
      // Of a stack of matrices the rows are those of all, one below the other.
      int64_t rows = tensor->shape.empty() ? 1 : tensor->shape[0];
      if (tensor->shape.size() == 3)
        rows *= tensor->shape[1];
      int64_t inputs = rows == 0 ? 0 : tensor->elementCount() / rows;
      if (piece.getTransposed())
        std::swap(rows, inputs);
      int64_t width = piece.width(inputs);
      // A vector is its pieces' elements one after another.
      if (weight.type.getRank() == 1 && reader.tensors.empty())
        reader.inputs = width;
      if (width != reader.inputs || piece.sourceRow(piece.getRows() - 1) >= rows)
        return malformed("{}: tensor {} of {} rows of {} does not hold row {} of {}", weight.name,
                         piece.getTensor().str(), rows, inputs, piece.sourceRow(piece.getRows() - 1), reader.inputs);
      reader.tensors.push_back({piece, tensor, rows, inputs});
    }
    int64_t rows = weight.source.getRows() * (weight.type.getRank() == 1 ? reader.inputs : 1);
    int64_t expected = weight.type.getDimSize(0) * (weight.type.getRank() == 3 ? weight.type.getDimSize(1) : 1);
    if (rows != expected)
      return malformed("{}: its pieces have {} rows, expected {}", weight.name, rows, expected);
    return reader;
  }

  /// Row `row` as float32.
  void read(int64_t row, std::span<float> out) {
    for (const Source &source : tensors) {
      if (row >= source.piece.getRows()) {
        row -= source.piece.getRows();
        continue;
      }
      int64_t from = source.piece.sourceRow(row);
      size_t size = dtypeBits(source.tensor->dtype) / 8;
      std::span<const std::byte> bytes = checkpoint->bytes(*source.tensor);
      int64_t first = source.piece.getFirstColumn();
      if (!source.piece.getTransposed())
        return convertToFloat(source.tensor->dtype, bytes.subspan((from * source.inputs + first) * size, inputs * size),
                              out);
      column.resize(inputs * size);
      for (int64_t k = 0; k < inputs; ++k)
        std::memcpy(&column[k * size], &bytes[((first + k) * source.rows + from) * size], size);
      return convertToFloat(source.tensor->dtype, column, out);
    }
  }

  int64_t inputs;

private:
  struct Source {
    llm::PieceAttr piece;
    const TensorInfo *tensor;
    int64_t rows, inputs;
  };

  RowReader(const Checkpoint &checkpoint, const PackedWeight &weight)
      : inputs(weight.type.getRank() == 1 ? 1 : weight.type.getShape().back()), checkpoint(&checkpoint) {}

  const Checkpoint *checkpoint;
  std::vector<Source> tensors;
  std::vector<std::byte> column;
};

/// Stores `value` as element `index` of `target`.
void storeElement(std::span<std::byte> target, int64_t index, float value, mlir::Type type) {
  if (type.isF32()) {
    std::memcpy(&target[index * sizeof(float)], &value, sizeof(float));
    return;
  }
  uint16_t bits = type.isBF16() ? toBFloat16(value) : toFloat16(value);
  std::memcpy(&target[index * sizeof(bits)], &bits, sizeof(bits));
}

/// The nearest value of `type`.
float roundTo(float value, mlir::Type type) {
  if (type.isBF16())
    return std::bit_cast<float>(static_cast<uint32_t>(toBFloat16(value)) << 16);
  return type.isF16() ? static_cast<float>(static_cast<_Float16>(value)) : value;
}

/// The row of a matrix that lane `lane` of panel `panel` holds, or -1.
int64_t rowOfLane(const PackedWeight &weight, int64_t panel, int64_t lane) {
  int64_t rows = oneMatrix(weight.type).getDimSize(0), interleave = weight.layout.getInterleave();
  if (interleave == 0) {
    int64_t row = panel * weight.layout.getPanel() + lane;
    return row < rows ? row : -1;
  }
  int64_t row = panel * interleave + lane % interleave;
  return row >= rows / 2 ? -1 : row + (lane < interleave ? 0 : rows / 2);
}

/// Packs the matrix whose row 0 is row `firstRow` of the reader.
void packPanels(RowReader &reader, int64_t firstRow, const PackedWeight &weight, std::span<std::byte> target) {
  int64_t panelRows = weight.layout.getPanel(), group = weight.layout.getGroup();
  int64_t padded = (reader.inputs + group - 1) / group * group;
  mlir::Type type = weight.type.getElementType();
  std::vector<float> rows(panelRows * reader.inputs);
  for (int64_t panel = 0; panel < panelCount(oneMatrix(weight.type), weight.layout); ++panel) {
    std::ranges::fill(rows, 0.0f);
    for (int64_t lane = 0; lane < panelRows; ++lane)
      if (int64_t row = rowOfLane(weight, panel, lane); row >= 0)
        reader.read(firstRow + row, std::span(rows).subspan(lane * reader.inputs, reader.inputs));
    int64_t first = panel * padded * panelRows;
    for (int64_t k = 0; k < reader.inputs; ++k)
      for (int64_t lane = 0; lane < panelRows; ++lane)
        storeElement(target, first + (k / group * panelRows + lane) * group + k % group, rows[lane * reader.inputs + k],
                     type);
  }
}

} // namespace

Status yoke::packWeight(const Checkpoint &checkpoint, const PackedWeight &weight, std::span<std::byte> target) {
  RowReader reader = YOKE_TRY(RowReader::open(checkpoint, weight));
  if (weight.layout.getPanel() > 0) {
    mlir::RankedTensorType matrix = oneMatrix(weight.type);
    auto bytes = static_cast<size_t>(packedBytes(matrix, weight.layout));
    int64_t rows = matrix.getDimSize(0);
    for (int64_t i = 0; i < weight.source.getRows() / rows; ++i)
      packPanels(reader, i * rows, weight, target.subspan(static_cast<size_t>(i) * bytes, bytes));
    return {};
  }
  mlir::Type element = weight.type.getElementType();
  mlir::Type stored = weight.type.getRank() == 1 ? mlir::Float32Type::get(element.getContext()) : element;
  std::vector<float> row(reader.inputs);
  for (int64_t i = 0; i < weight.source.getRows(); ++i) {
    reader.read(i, row);
    for (int64_t k = 0; k < reader.inputs; ++k)
      storeElement(target, i * reader.inputs + k, roundTo(row[k], element), stored);
  }
  return {};
}
