//===- WeightPacker.cpp - checkpoint tensors to packed weights ------------===//
#include "Compiler/WeightPacker.h"

#include "Import/QuantFormats.h"
#include "LowerCpu/WeightLayout.h"
#include "Quantizer/SmallFloat.h"
#include "Quantizer/StoredMatrix.h"

#include "mlir/IR/Threading.h"

#include <bit>
#include <cstring>

using namespace yoke;

namespace {

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

int64_t bytesOf(mlir::Type type) { return type.isF32() ? 4 : 2; }

/// Stores `values` as elements of `type` one after the other.
void storeElements(std::span<const float> values, mlir::Type type, std::byte *target) {
  if (type.isF32()) {
    std::memcpy(target, values.data(), values.size_bytes());
    return;
  }
  auto store = [&](auto convert) {
    for (size_t k = 0; k < values.size(); ++k) {
      uint16_t bits = convert(values[k]);
      std::memcpy(target + k * sizeof(bits), &bits, sizeof(bits));
    }
  };
  type.isBF16() ? store(toBFloat16) : store(toFloat16);
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

/// Calls `body` for parts [begin, end) of `count` items that together are all of them, several at once.
void forParts(mlir::MLIRContext *context, int64_t count, llvm::function_ref<void(int64_t begin, int64_t end)> body) {
  constexpr int64_t part = 8;
  mlir::parallelFor(context, 0, static_cast<size_t>((count + part - 1) / part), [&](size_t i) {
    int64_t begin = static_cast<int64_t>(i) * part;
    body(begin, std::min(begin + part, count));
  });
}

/// Word k of row i of `rows` becomes word [k][i] of `target`.
template <size_t wordBytes>
void transposeWords(const std::byte *rows, int64_t rowCount, int64_t words, std::byte *target) {
  for (int64_t k = 0; k < words; ++k)
    for (int64_t i = 0; i < rowCount; ++i)
      std::memcpy(target + (k * rowCount + i) * wordBytes, rows + (i * words + k) * wordBytes, wordBytes);
}

/// Packs panels [begin, end) of the matrix whose row 0 is row `firstRow` of the reader.
void packPanels(RowReader reader, int64_t firstRow, const PackedWeight &weight, int64_t begin, int64_t end,
                std::span<std::byte> target) {
  int64_t panelRows = weight.layout.getPanel(), group = weight.layout.getGroup();
  int64_t words = (reader.inputs + group - 1) / group;
  mlir::Type type = weight.type.getElementType();
  int64_t wordBytes = group * bytesOf(type), rowBytes = words * wordBytes;
  assert(wordBytes == 4 || wordBytes == 2);
  std::vector<float> row(reader.inputs);
  std::vector<std::byte> rows(panelRows * rowBytes);
  for (int64_t panel = begin; panel < end; ++panel) {
    std::ranges::fill(rows, std::byte(0));
    for (int64_t lane = 0; lane < panelRows; ++lane)
      if (int64_t from = rowOfLane(weight, panel, lane); from >= 0) {
        reader.read(firstRow + from, row);
        storeElements(row, type, &rows[lane * rowBytes]);
      }
    std::byte *to = target.data() + panel * panelRows * rowBytes;
    if (wordBytes == 4)
      transposeWords<4>(rows.data(), panelRows, words, to);
    else
      transposeWords<2>(rows.data(), panelRows, words, to);
  }
}

/// Stores the bits of a scale or zero point.
void storeScale(std::byte *target, float value, ScaleType type) {
  if (type == ScaleType::Float32) {
    std::memcpy(target, &value, sizeof(value));
    return;
  }
  uint16_t bits = type == ScaleType::BFloat16 ? toBFloat16(value) : toFloat16(value);
  std::memcpy(target, &bits, sizeof(bits));
}

/// Reads rows of a weight that the checkpoint stores quantised.
class StoredRows {
public:
  static Result<StoredRows> open(const Checkpoint &checkpoint, const PackedWeight &weight, const QuantFormat &format) {
    StoredRows rows;
    int64_t inputs = weight.type.getShape().back(), count = weight.type.getNumElements() / inputs;
    if (weight.source.getRows() != count)
      return malformed("{}: its pieces have {} rows, expected {}", weight.name, weight.source.getRows(), count);
    for (llm::PieceAttr piece : weight.source.getPieces()) {
      auto matrix = YOKE_TRY(StoredMatrix::open(checkpoint, std::string_view(piece.getTensor()), format, inputs));
      if (piece.sourceRow(piece.getRows() - 1) >= matrix.rows())
        return malformed("{}: tensor {} of {} rows does not hold row {}", weight.name, piece.getTensor().str(),
                         matrix.rows(), piece.sourceRow(piece.getRows() - 1));
      rows.sources.emplace_back(piece, std::move(matrix));
    }
    return rows;
  }

  void read(int64_t row, QuantizedRow &out) const {
    for (const auto &[piece, matrix] : sources) {
      if (row < piece.getRows())
        return matrix.readRow(piece.sourceRow(row), out);
      row -= piece.getRows();
    }
  }

private:
  std::vector<std::pair<llm::PieceAttr, StoredMatrix>> sources;
};

/// Packs a quantised matrix into the blocks that QuantBlock describes.
class QuantPacker {
public:
  QuantPacker(const PackedWeight &weight, llm::QuantType type)
      : format(quantFormat(type, weight.source.getCoding())), weight(weight), type(type), block(type) {}

  const QuantFormat format;

  /// Panels [begin, end) of the matrix whose row i is what `read` gives for row i.
  void pack(llvm::function_ref<void(int64_t, QuantizedRow &)> read, int64_t begin, int64_t end,
            std::span<std::byte> target) const {
    QuantizedRow row;
    int64_t inputs = weight.type.getShape().back();
    int64_t blocks = (inputs + QuantBlock::inputs - 1) / QuantBlock::inputs;
    for (int64_t panel = begin; panel < end; ++panel)
      for (int64_t lane = 0; lane < weight.layout.getPanel(); ++lane) {
        int64_t from = rowOfLane(weight, panel, lane);
        if (from >= 0)
          read(from, row);
        else
          clear(row, inputs);
        storeRow(row, lane, target.subspan(panel * blocks * block.bytes, blocks * block.bytes));
      }
  }

private:
  /// A row of zeros.
  void clear(QuantizedRow &row, int64_t inputs) const {
    row.values.assign(inputs, static_cast<uint8_t>(format.middle()));
    row.scales.assign(format.groupsOf(inputs), 0.0f);
    row.zeros.assign(format.groupsOf(inputs), static_cast<float>(format.middle()));
  }

  void storeRow(const QuantizedRow &row, int64_t lane, std::span<std::byte> panel) const {
    int64_t inputs = static_cast<int64_t>(row.values.size()), blocks = static_cast<int64_t>(panel.size()) / block.bytes;
    for (int64_t b = 0; b < blocks; ++b) {
      std::span<std::byte> bytes = panel.subspan(b * block.bytes, block.bytes);
      auto group = static_cast<size_t>(b * QuantBlock::inputs / type.getGroup());
      storeScale(&bytes[block.scales + lane * block.scaleBytes], row.scales[group], format.scale);
      if (format.asymmetric)
        storeScale(&bytes[block.zeros + lane * block.scaleBytes], row.zeros[group], format.scale);
      for (int64_t i = 0; i < QuantBlock::inputs; ++i) {
        int64_t k = b * QuantBlock::inputs + i;
        // Past the end activations are zero: any weight will do.
        if (k < inputs)
          storeValue(bytes, lane, i, row.values[k]);
      }
    }
  }

  void storeValue(std::span<std::byte> bytes, int64_t lane, int64_t input, uint8_t value) const {
    int64_t quad = input / QuantBlock::quadInputs, line = block.bits == 8 ? quad : quad / 2;
    std::byte &place = bytes[line * block.lineBytes + lane * QuantBlock::quadInputs + input % QuantBlock::quadInputs];
    bool isUpper = block.bits == 4 && quad % 2 == 1;
    place |= static_cast<std::byte>(isUpper ? value << 4 : value);
  }

  const PackedWeight &weight;
  llm::QuantType type;
  QuantBlock block;
};

} // namespace

/// Calls `pack` for parts of the matrices of a weight that lies in panels: panels [begin, end) of the matrix whose rows
/// start at `firstRow` and whose bytes are `target`.
static void forMatrixParts(
    const PackedWeight &weight, std::span<std::byte> target,
    llvm::function_ref<void(int64_t firstRow, int64_t begin, int64_t end, std::span<std::byte> target)> pack) {
  mlir::RankedTensorType matrix = oneMatrix(weight.type);
  auto bytes = static_cast<size_t>(packedBytes(matrix, weight.layout));
  int64_t rows = matrix.getDimSize(0);
  for (int64_t i = 0; i < weight.source.getRows() / rows; ++i)
    forParts(weight.type.getContext(), panelCount(matrix, weight.layout), [&](int64_t begin, int64_t end) {
      pack(i * rows, begin, end, target.subspan(static_cast<size_t>(i) * bytes, bytes));
    });
}

static Status packQuantized(const Checkpoint &checkpoint, const PackedWeight &weight, llm::QuantType type,
                            std::span<std::byte> target) {
  QuantPacker packer(weight, type);
  if (weight.source.getCoding() == llm::WeightCoding::stored) {
    StoredRows stored = YOKE_TRY(StoredRows::open(checkpoint, weight, packer.format));
    forMatrixParts(weight, target, [&](int64_t firstRow, int64_t begin, int64_t end, std::span<std::byte> matrix) {
      packer.pack([&](int64_t row, QuantizedRow &out) { stored.read(firstRow + row, out); }, begin, end, matrix);
    });
    return {};
  }
  RowReader reader = YOKE_TRY(RowReader::open(checkpoint, weight));
  forMatrixParts(weight, target, [&](int64_t firstRow, int64_t begin, int64_t end, std::span<std::byte> matrix) {
    RowReader own = reader;
    std::vector<float> floats(own.inputs);
    auto read = [&](int64_t row, QuantizedRow &out) {
      own.read(firstRow + row, floats);
      quantizeRow(packer.format, floats, out);
    };
    packer.pack(read, begin, end, matrix);
  });
  return {};
}

Status yoke::packWeight(const Checkpoint &checkpoint, const PackedWeight &weight, std::span<std::byte> target) {
  if (auto quant = mlir::dyn_cast<llm::QuantType>(weight.type.getElementType()))
    return packQuantized(checkpoint, weight, quant, target);
  RowReader reader = YOKE_TRY(RowReader::open(checkpoint, weight));
  if (weight.layout.getPanel() > 0) {
    forMatrixParts(weight, target, [&](int64_t firstRow, int64_t begin, int64_t end, std::span<std::byte> matrix) {
      packPanels(reader, firstRow, weight, begin, end, matrix);
    });
    return {};
  }
  mlir::Type element = weight.type.getElementType();
  mlir::Type stored = weight.type.getRank() == 1 ? mlir::Float32Type::get(element.getContext()) : element;
  int64_t rowBytes = reader.inputs * bytesOf(stored);
  forParts(weight.type.getContext(), weight.source.getRows(), [&](int64_t begin, int64_t end) {
    RowReader own = reader;
    std::vector<float> row(own.inputs);
    for (int64_t i = begin; i < end; ++i) {
      own.read(i, row);
      for (float &value : row)
        value = roundTo(value, element);
      storeElements(row, stored, &target[static_cast<size_t>(i * rowBytes)]);
    }
  });
  return {};
}
