//===- WeightTable.cpp - weights of the model and of the checkpoint -------===//
#include "Import/WeightTable.h"

#include "Support/Text.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {

/// Names that transformers reads as another name, when a tensor's name ends or starts with them.
struct OlderName {
  StringLiteral now, before;
};
constexpr OlderName olderEndings[] = {{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}};
constexpr OlderName olderBeginnings[] = {{"lm_head.", "embed_out."}};

} // namespace

WeightTable::WeightTable(ModuleOp module, const Checkpoint &checkpoint, WeightType matrixType, StringRef basePrefix)
    : builder(module.getContext()), checkpoint(checkpoint), requested(matrixType), basePrefix(basePrefix) {
  builder.setInsertionPointToStart(module.getBody());
  hasPrefix = llvm::any_of(checkpoint.tensors(),
                           [&](const TensorInfo *tensor) { return StringRef(tensor->name).starts_with(basePrefix); });
}

std::string WeightTable::storedName(StringRef name) const {
  std::string stored = name.str();
  if (!hasPrefix && name.starts_with(basePrefix))
    stored = name.drop_front(basePrefix.size()).str();
  if (checkpoint.find(stored))
    return stored;
  for (const OlderName &older : olderEndings)
    if (StringRef(stored).ends_with(older.now))
      if (std::string old = stored.substr(0, stored.size() - older.now.size()) + older.before.str();
          checkpoint.find(old))
        return old;
  for (const OlderName &older : olderBeginnings)
    if (StringRef(stored).starts_with(older.now))
      if (std::string old = older.before.str() + stored.substr(older.now.size()); checkpoint.find(old))
        return old;
  return stored;
}

Type WeightTable::elementType(const TensorInfo *tensor, bool matrix) {
  if (matrix && requested != WeightType::AsStored) {
    if (requested == WeightType::F32)
      return builder.getF32Type();
    return requested == WeightType::BF16 ? Type(builder.getBF16Type()) : Type(builder.getF16Type());
  }
  if (!tensor || tensor->dtype == DType::F32)
    return builder.getF32Type();
  return tensor->dtype == DType::F16 ? Type(builder.getF16Type()) : Type(builder.getBF16Type());
}

ml_program::GlobalOp WeightTable::create(StringRef name, RankedTensorType type, Attribute value) {
  StringAttr symbol = builder.getStringAttr(space + name.str());
  return ml_program::GlobalOp::create(builder, NameLoc::get(symbol), symbol, TypeAttr::get(type),
                                      /*is_mutable=*/nullptr, value, builder.getStringAttr("private"));
}

ml_program::GlobalOp WeightTable::declareOnes(int64_t size) {
  std::string name = fmt::format("ones.{}", size);
  auto [place, isNew] = globals.try_emplace(name);
  if (isNew) {
    auto type = RankedTensorType::get({size}, builder.getF32Type());
    place->second = create(name, type, DenseElementsAttr::get(type, 1.0f));
  }
  return place->second;
}

std::optional<std::string> WeightTable::quantizedStem(const TensorRows &part) const {
  if (!scheme || part.shape.size() != 2 || part.rows.transposed)
    return std::nullopt;
  std::string stem = storedName(part.tensor);
  if (!StringRef(stem).ends_with(".weight"))
    return std::nullopt;
  stem.resize(stem.size() - StringRef(".weight").size());
  const TensorInfo *integers = checkpoint.find(scheme->integersOf(stem));
  bool isQuantized = integers && (scheme->kind != StoredScheme::Kind::Int || integers->dtype == DType::I8);
  return isQuantized ? std::optional(stem) : std::nullopt;
}

llm::QuantType WeightTable::quantizedType(const std::string &stem, int64_t inputs) const {
  MLIRContext *context = builder.getContext();
  const TensorInfo *scales = checkpoint.find(scheme->scalesOf(stem));
  Type scale = Float32Type::get(context);
  if (scales && scales->dtype == DType::BF16)
    scale = BFloat16Type::get(context);
  if (scales && scales->dtype == DType::F16)
    scale = Float16Type::get(context);
  return llm::QuantType::get(context, IntegerType::get(context, static_cast<unsigned>(scheme->bits)),
                             scheme->groupOf(inputs), cast<FloatType>(scale), scheme->asymmetric);
}

void WeightTable::expectQuantized(const std::string &stem, ArrayRef<int64_t> shape) {
  for (ExpectedTensor &tensor : scheme->tensorsOf(stem, shape[0], shape[1])) {
    const TensorInfo *stored = checkpoint.find(tensor.name);
    // One scale a row may be a vector.
    if (stored && stored->shape.size() == 1 && tensor.shape.back() == 1)
      tensor.shape.pop_back();
    expected.try_emplace(tensor.name, tensor.shape);
  }
}

llm::PieceAttr WeightTable::pieceOf(const TensorRows &part) {
  std::string stored = storedName(part.tensor);
  if (std::optional<std::string> stem = quantizedStem(part)) {
    expectQuantized(*stem, part.shape);
    return llm::PieceAttr::get(builder.getContext(), builder.getStringAttr(space + scheme->integersOf(*stem)),
                               part.rows.offset, part.rows.block, part.rows.stride, part.rows.count,
                               /*transposed=*/false);
  }
  const TensorInfo *tensor = checkpoint.find(stored);
  if (expected.try_emplace(stored, part.shape).second && tensor && tensor->dtype != DType::F32 &&
      tensor->dtype != DType::F16 && tensor->dtype != DType::BF16)
    unsupportedTypes.push_back(fmt::format("{} is {}", printable(stored), dtypeName(tensor->dtype)));
  return llm::PieceAttr::get(builder.getContext(), builder.getStringAttr(space + stored), part.rows.offset,
                             part.rows.block, part.rows.stride, part.rows.count, part.rows.transposed,
                             part.rows.firstColumn, part.rows.columns);
}

ml_program::GlobalOp WeightTable::declare(StringRef name, ArrayRef<int64_t> shape, ArrayRef<TensorRows> parts) {
  auto [place, isNew] = globals.try_emplace(name);
  if (!isNew)
    return place->second;

  bool isMatrix = shape.size() > 1;
  Type element;
  SmallVector<llm::PieceAttr> pieces;
  for (const TensorRows &part : parts) {
    pieces.push_back(pieceOf(part));
    std::optional<std::string> stem = quantizedStem(part);
    Type stored = stem ? Type(quantizedType(*stem, part.shape[1])) : elementType(find(part.tensor), isMatrix);
    if (element && element != stored && (isa<llm::QuantType>(element) || stem))
      mixedWeights.push_back(printable(name.str()));
    // Float32 holds whatever the parts are stored as.
    element = !element || element == stored ? stored : builder.getF32Type();
  }
  auto type = RankedTensorType::get(shape, element);
  auto quant = dyn_cast<llm::QuantType>(element);
  auto coding = quant ? llm::WeightCoding::stored : llm::WeightCoding::rounded;
  place->second = create(name, type, llm::WeightAttr::get(builder.getContext(), pieces, coding));

  elementCount += type.getNumElements();
  if (isMatrix) {
    std::string text;
    if (quant)
      text = fmt::format("q{}", quant.getStorage().getWidth());
    else
      llvm::raw_string_ostream(text) << element;
    matrixElements[text] += type.getNumElements();
  }
  return place->second;
}

ml_program::GlobalOp WeightTable::declare(StringRef name, ArrayRef<int64_t> shape, StringRef tensor,
                                          ArrayRef<int64_t> tensorShape, const Rows &rows) {
  return declare(name, shape, TensorRows{tensor.str(), tensorShape.vec(), rows});
}

Status WeightTable::check(const std::function<bool(StringRef)> &mayBeExtra) const {
  std::vector<ExpectedTensor> tensors;
  for (const auto &entry : expected)
    tensors.push_back({entry.first().str(), entry.second});
  llvm::sort(tensors, [](const auto &a, const auto &b) { return a.name < b.name; });
  YOKE_TRY(checkTensors(checkpoint, tensors, [&](std::string_view name) {
    return mayBeExtra(StringRef(name)) || (scheme && StoredScheme::mayBeExtra(name));
  }));
  if (!mixedWeights.empty())
    return malformed("{}: {}: its parts are quantised in different ways", printable(checkpoint.folder(), 4096),
                     mixedWeights.front());
  if (unsupportedTypes.empty())
    return checkFinite();
  NameList names;
  for (const std::string &text : unsupportedTypes)
    names.add(text);
  return malformed("{}: {} tensors have an unsupported dtype (supported: F32, F16, BF16): {}",
                   printable(checkpoint.folder(), 4096), names.size(), names.text());
}

Status WeightTable::checkFinite() const {
  for (const auto &entry : finite) {
    const TensorInfo *tensor = checkpoint.find(entry.getKey());
    std::vector<float> values(static_cast<size_t>(tensor ? tensor->elementCount() : 0));
    if (tensor)
      convertToFloat(tensor->dtype, checkpoint.bytes(*tensor), values);
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        return malformed("{}: tensor {} holds {} at element {}, expected finite values",
                         printable(checkpoint.folder(), 4096), quote(entry.getKey().str()), values[i], i);
  }
  return {};
}

std::string WeightTable::matrixType() const {
  StringRef best = "f32";
  int64_t most = 0;
  for (const auto &entry : matrixElements)
    if (entry.second > most) {
      best = entry.first();
      most = entry.second;
    }
  return best.str();
}

bool yoke::import::isBuffer(StringRef tensor) {
  for (StringRef ending : {"rotary_emb.inv_freq", "attn.bias", "attn.masked_bias", "attention.bias",
                           "attention.masked_bias", "embeddings.position_ids"})
    if (tensor == ending || (tensor.ends_with(ending) && tensor.drop_back(ending.size()).ends_with(".")))
      return true;
  return false;
}
