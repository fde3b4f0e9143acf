// Packed bytes against a plain reading of the layout's definition.
#include "Compiler/WeightPacker.h"
#include "LowerCpu/WeightLayout.h"
#include "Random.h"
#include "Support/Json.h"

#include "mlir/IR/Builders.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

using namespace yoke;
using testing::HasSubstr;

namespace {
/// A tensor of a checkpoint that the test writes; `values` are row-major and round to the stored type.
struct Tensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

const llvm::fltSemantics &semanticsOf(llvm::StringRef dtype) {
  if (dtype == "F64")
    return llvm::APFloat::IEEEdouble();
  if (dtype == "F32")
    return llvm::APFloat::IEEEsingle();
  return dtype == "BF16" ? llvm::APFloat::BFloat() : llvm::APFloat::IEEEhalf();
}

llvm::APFloat rounded(llvm::APFloat value, const llvm::fltSemantics &semantics) {
  bool lost;
  value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
  return value;
}

void writeCheckpoint(const std::string &folder, const std::vector<Tensor> &tensors) {
  Json header = Json::object();
  std::string bytes;
  for (const Tensor &tensor : tensors) {
    size_t begin = bytes.size();
    for (double value : tensor.values) {
      llvm::APInt bits = tensor.dtype == "I32"
                             ? llvm::APInt(32, static_cast<uint64_t>(static_cast<int64_t>(value)), true)
                             : rounded(llvm::APFloat(value), semanticsOf(tensor.dtype)).bitcastToAPInt();
      for (unsigned i = 0; i < bits.getBitWidth(); i += 8)
        bytes.push_back(static_cast<char>(bits.extractBitsAsZExtValue(8, i)));
    }
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, bytes.size()}}};
  }
  std::string text = dumpJson(header);
  uint64_t length = text.size();
  std::ofstream file(folder + "/model.safetensors", std::ios::binary);
  file.write(reinterpret_cast<const char *>(&length), sizeof(length));
  file << text << bytes;
  std::ofstream(folder + "/config.json") << "{}";
}

class WeightPackerTest : public testing::Test {
protected:
  WeightPackerTest() : b(&context) {
    context.loadDialect<llm::LLMDialect>();
    std::string pattern = (std::filesystem::temp_directory_path() / "yoke-packer-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~WeightPackerTest() override { std::filesystem::remove_all(folder); }

  Tensor randomTensor(const std::string &name, int64_t rows, int64_t columns) {
    Tensor tensor{name, random.pick({"F64", "F32", "BF16", "F16"}), {rows, columns}, {}};
    for (int64_t i = 0; i < rows * columns; ++i)
      tensor.values.push_back(random.uniform() * std::exp2(static_cast<double>(random.integer(-20, 8))));
    return tensor;
  }

  PackedWeight weight(llvm::ArrayRef<int64_t> shape, mlir::Type element, llvm::ArrayRef<llm::PieceAttr> pieces,
                      int64_t panel = 0, int64_t group = 1, int64_t interleave = 0) {
    return {"w", mlir::RankedTensorType::get(shape, element), llm::WeightAttr::get(&context, pieces),
            llm::LayoutAttr::get(&context, 0, panel, group, interleave)};
  }
  llm::PieceAttr piece(const std::string &tensor, int64_t rows, bool transposed = false, int64_t offset = 0) {
    return llm::PieceAttr::get(&context, tensor, offset, rows, rows, 1, transposed);
  }

  Status pack(const PackedWeight &weight) {
    auto checkpoint = Checkpoint::open(folder);
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    packed.assign(static_cast<size_t>(packedBytes(weight.type, weight.layout)), std::byte(0));
    return packWeight(*checkpoint, weight, packed);
  }

  /// Bits of element `index` of the packed bytes.
  uint64_t bitsAt(int64_t index, unsigned width) {
    uint64_t bits = 0;
    std::memcpy(&bits, &packed[static_cast<size_t>(index) * width / 8], width / 8);
    return bits;
  }

  mlir::MLIRContext context;
  mlir::Builder b;
  Random random{1};
  std::string folder;
  std::vector<std::byte> packed;
};

/// A weight of random pieces with the values that it should have.
struct RandomWeight {
  std::vector<llm::PieceAttr> pieces;
  std::vector<Tensor> tensors;
  std::vector<std::vector<float>> rows;
};
} // namespace

static RandomWeight makeRandomWeight(mlir::MLIRContext &context, Random &random, int64_t inputs, int64_t pieceCount,
                                     const std::function<Tensor(const std::string &, int64_t, int64_t)> &makeTensor) {
  RandomWeight result;
  for (int64_t i = 0; i < pieceCount; ++i) {
    std::string name = "t" + std::to_string(i);
    int64_t block = random.integer(1, 9), count = random.integer(1, 5), offset = random.integer(0, 4);
    int64_t stride = block + random.integer(0, 6);
    int64_t sourceRows = offset + stride * count + random.integer(0, 3);
    bool transposed = random.oneIn(3);
    Tensor tensor = transposed ? makeTensor(name, inputs, sourceRows) : makeTensor(name, sourceRows, inputs);
    for (int64_t c = 0; c < count; ++c)
      for (int64_t r = 0; r < block; ++r) {
        int64_t source = offset + c * stride + r;
        std::vector<float> row;
        for (int64_t k = 0; k < inputs; ++k) {
          double value = tensor.values[static_cast<size_t>(transposed ? k * sourceRows + source : source * inputs + k)];
          llvm::APFloat stored = rounded(llvm::APFloat(value), semanticsOf(tensor.dtype));
          row.push_back(rounded(stored, llvm::APFloat::IEEEsingle()).convertToFloat());
        }
        result.rows.push_back(std::move(row));
      }
    result.pieces.push_back(llm::PieceAttr::get(&context, name, offset, block, stride, count, transposed));
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

static uint64_t expectedBits(float value, mlir::FloatType type) {
  return rounded(llvm::APFloat(value), type.getFloatSemantics()).bitcastToAPInt().getZExtValue();
}

TEST_F(WeightPackerTest, RandomPiecesInEveryLayout) {
  for (int round = 0; round < 80; ++round) {
    SCOPED_TRACE(round);
    int64_t inputs = random.integer(1, 21);
    RandomWeight made =
        makeRandomWeight(context, random, inputs, random.integer(1, 4),
                         [&](const std::string &name, int64_t r, int64_t c) { return randomTensor(name, r, c); });
    writeCheckpoint(folder, made.tensors);
    auto rows = static_cast<int64_t>(made.rows.size());
    auto type = random.pick<mlir::FloatType>({b.getF32Type(), b.getBF16Type(), b.getF16Type()});
    unsigned width = type.getWidth();
    int64_t panel = random.pick<int64_t>({0, 8, 32}), group = panel > 0 ? (type.isBF16() ? 2 : 1) : 1;
    int64_t interleave = panel > 0 && rows % 2 == 0 && random.oneIn(2) ? panel / 2 : 0;
    PackedWeight packedWeight = weight({rows, inputs}, type, made.pieces, panel, group, interleave);
    Status status = pack(packedWeight);
    ASSERT_TRUE(status) << status.error().message;

    if (panel == 0) {
      ASSERT_EQ(packed.size(), static_cast<size_t>(rows * inputs * width / 8));
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t k = 0; k < inputs; ++k)
          ASSERT_EQ(bitsAt(r * inputs + k, width), expectedBits(made.rows[r][k], type)) << r << ", " << k;
      continue;
    }
    // Row by row of each panel, each half of the matrix numbered on its own when they are interleaved.
    int64_t groups = (inputs + group - 1) / group, half = rows / 2;
    int64_t panels = interleave > 0 ? (half + interleave - 1) / interleave : (rows + panel - 1) / panel;
    ASSERT_EQ(packed.size(), static_cast<size_t>(panels * groups * panel * group * width / 8));
    int64_t index = 0;
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t g = 0; g < groups; ++g)
        for (int64_t lane = 0; lane < panel; ++lane)
          for (int64_t k = g * group; k < (g + 1) * group; ++k, ++index) {
            int64_t row = p * panel + lane;
            if (interleave > 0) {
              row = p * interleave + lane % interleave;
              row = row >= half ? rows : row + (lane >= interleave ? half : 0);
            }
            uint64_t expected = row < rows && k < inputs ? expectedBits(made.rows[row][k], type) : 0;
            ASSERT_EQ(bitsAt(index, width), expected) << p << ", " << g << ", " << lane << ", " << k;
          }
  }
}

TEST_F(WeightPackerTest, VectorsAreStoredAsFloat32) {
  // Rounded to the weight's type first: 257 and 0.1 are no bfloat16.
  writeCheckpoint(folder, {{"a", "F32", {5}, {1, -2, 0.5, 257, 4}}, {"b", "F64", {2}, {0.1, 1e300}}});
  ASSERT_TRUE(pack(weight({5}, b.getBF16Type(), {piece("a", 3, false, 1), piece("b", 2)})));
  ASSERT_EQ(packed.size(), 5 * sizeof(float));
  float expected[] = {-2, 0.5, 256, 0.10009765625f, INFINITY};
  EXPECT_EQ(std::memcmp(packed.data(), expected, sizeof(expected)), 0);
}

TEST_F(WeightPackerTest, RoundsToNearestTiesToEven) {
  std::vector<double> values = {0.0,      -0.0,      1.00390625, 1.01171875,   3.3895313892515355e38, 3.4e38,
                                INFINITY, -INFINITY, 65519.0,    65520.0,      5.960464477539063e-8,  2.98e-8,
                                1e-45,    2049.0,    2051.0,     -1.0009765625};
  writeCheckpoint(folder, {{"a", "F32", {1, static_cast<int64_t>(values.size())}, values}});
  for (mlir::FloatType type : {mlir::FloatType(b.getBF16Type()), mlir::FloatType(b.getF16Type())}) {
    ASSERT_TRUE(pack(weight({1, static_cast<int64_t>(values.size())}, type, {piece("a", 1)})));
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(bitsAt(static_cast<int64_t>(i), 16), expectedBits(static_cast<float>(values[i]), type)) << values[i];
  }
}

TEST_F(WeightPackerTest, NotANumberStaysOne) {
  writeCheckpoint(folder, {{"a", "F32", {1, 1}, {NAN}}});
  ASSERT_TRUE(pack(weight({1, 1}, b.getBF16Type(), {piece("a", 1)})));
  EXPECT_GT(bitsAt(0, 16) & 0x7fff, 0x7f80u);
  ASSERT_TRUE(pack(weight({1, 1}, b.getF16Type(), {piece("a", 1)})));
  EXPECT_GT(bitsAt(0, 16) & 0x7fff, 0x7c00u);
}

TEST_F(WeightPackerTest, WhatDoesNotFitIsMalformed) {
  writeCheckpoint(folder,
                  {{"a", "F32", {4, 3}, std::vector<double>(12)}, {"ids", "I32", {4, 3}, std::vector<double>(12)}});
  auto message = [&](const PackedWeight &weight) {
    Status status = pack(weight);
    EXPECT_FALSE(status);
    EXPECT_EQ(status ? ErrorKind::Failed : status.error().kind, ErrorKind::Malformed);
    return status ? std::string() : status.error().message;
  };
  mlir::Type f32 = b.getF32Type();
  EXPECT_THAT(message(weight({4, 3}, f32, {piece("b", 4)})), HasSubstr("w: the checkpoint has no tensor b"));
  EXPECT_THAT(message(weight({4, 3}, f32, {piece("ids", 4)})), HasSubstr("tensor ids is of type I32"));
  EXPECT_THAT(message(weight({5, 3}, f32, {piece("a", 5)})), HasSubstr("tensor a of 4 rows of 3 does not hold row 4"));
  EXPECT_THAT(message(weight({4, 3}, f32, {piece("a", 4, false, 1)})), HasSubstr("does not hold row 4"));
  EXPECT_THAT(message(weight({4, 2}, f32, {piece("a", 4)})), HasSubstr("tensor a of 4 rows of 3"));
  EXPECT_THAT(message(weight({4, 3}, f32, {piece("a", 4, true)})), HasSubstr("tensor a of 3 rows of 4"));
  EXPECT_THAT(message(weight({5, 3}, f32, {piece("a", 4)})), HasSubstr("its pieces have 4 rows, expected 5"));
}
