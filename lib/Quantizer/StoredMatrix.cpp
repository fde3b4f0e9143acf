//===- StoredMatrix.cpp - rows of a quantised matrix of a checkpoint ------===//
#include "Quantizer/StoredMatrix.h"

#include <algorithm>
#include <cstring>

using namespace yoke;

/// Which element of a word holds output 8 * word + i, as AutoAWQ orders them.
static constexpr int64_t awqPlaces[] = {0, 4, 1, 5, 2, 6, 3, 7};

static bool endsWith(std::string_view &name, std::string_view ending) {
  if (!name.ends_with(ending))
    return false;
  name.remove_suffix(ending.size());
  return true;
}

Result<StoredMatrix> StoredMatrix::open(const Checkpoint &checkpoint, std::string_view integers,
                                        const QuantFormat &format, int64_t inputs) {
  StoredMatrix matrix(checkpoint, format, inputs);
  matrix.integers = checkpoint.find(integers);
  if (!matrix.integers)
    return malformed("{}: there is no tensor {}", checkpoint.folder(), integers);
  std::span<const int64_t> shape = matrix.integers->shape;
  if (shape.size() != 2)
    return malformed("{}: {}: expected rank 2, found {}", checkpoint.folder(), integers, shape.size());
  std::string_view stem = integers;
  int64_t packed = (inputs + matrix.perWord() - 1) / matrix.perWord();
  if (endsWith(stem, ".qweight")) {
    matrix.kind = shape[0] == packed ? StoredScheme::Kind::Gptq : StoredScheme::Kind::Awq;
    matrix.outputs = matrix.kind == StoredScheme::Kind::Gptq ? shape[1] : shape[1] * matrix.perWord();
  } else {
    matrix.kind = endsWith(stem, ".weight_packed") ? StoredScheme::Kind::Packed : StoredScheme::Kind::Int;
    endsWith(stem, ".weight");
    matrix.outputs = shape[0];
  }
  YOKE_TRY(matrix.findTensors(std::string(stem)));
  YOKE_TRY(matrix.checkOrder(std::string(stem)));
  YOKE_TRY(matrix.checkZeros(std::string(stem)));
  return matrix;
}

Status StoredMatrix::findTensors(const std::string &stem) {
  StoredScheme scheme{kind, format.bits, format.group, format.asymmetric};
  std::vector<ExpectedTensor> expected = scheme.tensorsOf(stem, outputs, inputs);
  const TensorInfo **places[] = {&integers, &scales, &zeros};
  for (size_t i = 0; i < expected.size(); ++i) {
    const TensorInfo *tensor = checkpoint->find(expected[i].name);
    if (!tensor)
      return malformed("{}: there is no tensor {}", checkpoint->folder(), expected[i].name);
    bool isVector =
        tensor->shape.size() == 1 && expected[i].shape.back() == 1 && tensor->shape[0] == expected[i].shape[0];
    if (!isVector && !std::ranges::equal(tensor->shape, expected[i].shape))
      return malformed("{}: {}: expected shape [{}], found [{}]", checkpoint->folder(), expected[i].name,
                       fmt::join(expected[i].shape, ", "), fmt::join(tensor->shape, ", "));
    bool isScale = i == 1;
    DType whole = kind == StoredScheme::Kind::Int ? DType::I8 : DType::I32;
    if (isScale ? !isConvertibleToFloat(tensor->dtype) : tensor->dtype != whole)
      return malformed("{}: {}: expected type {}, found {}", checkpoint->folder(), expected[i].name,
                       isScale ? "F16, BF16 or F32" : dtypeName(whole), dtypeName(tensor->dtype));
    *places[i] = tensor;
  }
  return {};
}

/// Inputs belong to groups in their order.
Status StoredMatrix::checkOrder(const std::string &stem) const {
  for (const char *ending : {".g_idx", ".weight_g_idx"}) {
    const TensorInfo *order = checkpoint->find(stem + ending);
    if (!order)
      continue;
    if (order->dtype != DType::I32 || order->shape.size() != 1 || order->shape[0] != inputs)
      return malformed("{}: {}: expected I32 of shape [{}]", checkpoint->folder(), order->name, inputs);
    for (int64_t k = 0; k < inputs; ++k)
      if (int64_t group = static_cast<int32_t>(wordAt(*order, k)); group != k / format.group)
        return malformed("{}: {}: input {} is in group {}, expected {}: inputs in another order than that of their "
                         "groups (desc_act, actorder) are not supported",
                         checkpoint->folder(), order->name, k, group, k / format.group);
  }
  return {};
}

/// Symmetric weights have no zero points, or the same everywhere.
Status StoredMatrix::checkZeros(const std::string &stem) const {
  if (!format.asymmetric && kind == StoredScheme::Kind::Gptq) {
    for (int64_t row = 0; row < outputs; ++row)
      for (int64_t group = 0; group < format.groupsOf(inputs); ++group)
        if (zeroAt(row, group) != static_cast<float>(format.middle()))
          return malformed("{}: {}: expected {} everywhere, since the weights are symmetric", checkpoint->folder(),
                           zeros->name, format.middle() - 1);
    return {};
  }
  if (!format.asymmetric && checkpoint->find(stem + ".weight_zero_point")) {
    const TensorInfo &tensor = *checkpoint->find(stem + ".weight_zero_point");
    if (std::ranges::any_of(checkpoint->bytes(tensor), [](std::byte byte) { return byte != std::byte(0); }))
      return malformed("{}: {}: expected zeros, since the weights are symmetric", checkpoint->folder(), tensor.name);
  }
  return {};
}

uint32_t StoredMatrix::wordAt(const TensorInfo &tensor, int64_t index) const {
  uint32_t word;
  std::memcpy(&word, &checkpoint->bytes(tensor)[static_cast<size_t>(index) * sizeof(word)], sizeof(word));
  return word;
}

/// Element `place` of word `word` of row `row`.
uint8_t StoredMatrix::elementAt(const TensorInfo &tensor, int64_t row, int64_t word, int64_t place) const {
  uint32_t bits = wordAt(tensor, row * tensor.shape[1] + word);
  return static_cast<uint8_t>(bits >> (place * format.bits) & static_cast<uint32_t>(format.largest()));
}

uint8_t StoredMatrix::valueAt(int64_t row, int64_t input) const {
  int64_t n = perWord();
  switch (kind) {
  case StoredScheme::Kind::Gptq:
    return elementAt(*integers, input / n, row, input % n);
  case StoredScheme::Kind::Awq:
    return elementAt(*integers, input, row / n, awqPlaces[row % n]);
  case StoredScheme::Kind::Packed:
    return elementAt(*integers, row, input / n, input % n);
  case StoredScheme::Kind::Int:
    break;
  }
  auto byte = static_cast<uint8_t>(checkpoint->bytes(*integers)[static_cast<size_t>(row * inputs + input)]);
  return byte ^ 0x80;
}

float StoredMatrix::scaleAt(int64_t row, int64_t group) const {
  bool byInput = kind == StoredScheme::Kind::Gptq || kind == StoredScheme::Kind::Awq;
  int64_t groups = format.groupsOf(inputs);
  auto index = static_cast<size_t>(byInput ? group * outputs + row : row * groups + group);
  float value;
  convertToFloat(scales->dtype, checkpoint->bytes(*scales).subspan(index * (dtypeBits(scales->dtype) / 8)),
                 {&value, 1});
  return value;
}

float StoredMatrix::zeroAt(int64_t row, int64_t group) const {
  if (!zeros)
    return static_cast<float>(format.middle());
  int64_t n = perWord();
  switch (kind) {
  case StoredScheme::Kind::Gptq:
    return static_cast<float>(elementAt(*zeros, group, row / n, row % n)) + 1;
  case StoredScheme::Kind::Awq:
    return elementAt(*zeros, group, row / n, awqPlaces[row % n]);
  case StoredScheme::Kind::Packed: {
    // Packed down the outputs, plus half the range as the elements are.
    int64_t groups = format.groupsOf(inputs);
    uint32_t bits = wordAt(*zeros, row / n * groups + group);
    return static_cast<float>(bits >> (row % n * format.bits) & static_cast<uint32_t>(format.largest()));
  }
  case StoredScheme::Kind::Int:
    break;
  }
  auto index = static_cast<size_t>(row * format.groupsOf(inputs) + group);
  return static_cast<float>(static_cast<uint8_t>(checkpoint->bytes(*zeros)[index]) ^ 0x80);
}

void StoredMatrix::readRow(int64_t row, QuantizedRow &out) const {
  int64_t groups = format.groupsOf(inputs);
  out.values.resize(static_cast<size_t>(inputs));
  out.scales.resize(static_cast<size_t>(groups));
  out.zeros.resize(static_cast<size_t>(groups));
  for (int64_t k = 0; k < inputs; ++k)
    out.values[static_cast<size_t>(k)] = valueAt(row, k);
  for (int64_t g = 0; g < groups; ++g) {
    out.scales[static_cast<size_t>(g)] = scaleAt(row, g);
    out.zeros[static_cast<size_t>(g)] = zeroAt(row, g);
  }
}
