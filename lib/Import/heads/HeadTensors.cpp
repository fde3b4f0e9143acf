//===- HeadTensors.cpp - tensors of draft heads ---------------------------===//
#include "Import/heads/HeadImport.h"

#include "Support/Text.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include <fmt/ranges.h>

#include <algorithm>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

/// Names of heads in a model's own checkpoint begin so.
static constexpr StringLiteral ownPrefix = "medusa_head.";

bool yoke::import::isHeadTensor(StringRef name) { return name.starts_with(ownPrefix); }

Status yoke::import::importHeads(ModelBuilder &model, const DraftHeads &heads, const JsonObject &config) {
  if (!model.headWeight())
    return malformed("{}: the model makes no logits, so that no heads can draft for it",
                     printable(model.checkpoint().folder(), 4096));
  HeadTensors tensors(model, heads);
  if (heads.kind == "medusa")
    return importMedusa(tensors);
  if (heads.kind == "hydra")
    return importHydra(tensors, config);
  return importEagle(tensors);
}

HeadTensors::HeadTensors(ModelBuilder &model, const DraftHeads &heads)
    : model(model), checkpoint(heads.checkpoint ? *heads.checkpoint : model.checkpoint()),
      table(model.module(), checkpoint, model.options().weightType, "") {
  if (heads.checkpoint)
    table.setNamespace(headsPrefix);
}

std::string HeadTensors::folder() const { return printable(checkpoint.folder(), 4096); }

int64_t HeadTensors::count(const std::string &prefix, const std::string &suffix) const {
  constexpr int64_t most = 64;
  int64_t found = 0;
  while (found < most && find(fmt::format("{}{}{}", prefix, found, suffix)))
    ++found;
  return found;
}

Status HeadTensors::expect(const std::string &name, std::initializer_list<int64_t> shape) const {
  const TensorInfo *tensor = find(name);
  if (!tensor)
    return malformed("{}: tensor {} is missing", folder(), name);
  if (!std::ranges::equal(tensor->shape, shape))
    return malformed("{}: tensor {} is [{}], but heads for this model have [{}]", folder(), name,
                     fmt::join(tensor->shape, ", "), fmt::join(shape, ", "));
  return {};
}

std::string HeadTensors::sameAs(const std::string &name, const std::string &original) {
  const TensorInfo *a = find(name), *b = find(original);
  if (!a || !b || a->dtype != b->dtype || !std::ranges::equal(a->shape, b->shape) ||
      !std::ranges::equal(checkpoint.bytes(*a), checkpoint.bytes(*b)))
    return name;
  copies.push_back(name);
  return original;
}

Status HeadTensors::readVocabulary(const std::string &name, bool offsets) {
  const TensorInfo *tensor = find(name);
  if (!tensor)
    return {};
  copies.push_back(name);
  if (tensor->shape.size() != 1 || tensor->shape[0] < 1 || (tensor->dtype != DType::I64 && tensor->dtype != DType::I32))
    return malformed("{}: tensor {}: expected a list of I64 or I32", folder(), name);
  int64_t count = tensor->shape[0], all = model.shape().vocabulary;
  if (count > all)
    return malformed("{}: tensor {} has {} draft tokens, but the model has {} tokens", folder(), name, count, all);
  const std::byte *bytes = checkpoint.bytes(*tensor).data();
  std::vector<bool> taken(static_cast<size_t>(all));
  bool identity = count == all;
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = tensor->dtype == DType::I64 ? static_cast<int64_t>(llvm::support::endian::read64le(bytes + 8 * i))
                                                : static_cast<int32_t>(llvm::support::endian::read32le(bytes + 4 * i));
    if (value < -all || value >= all)
      return malformed("{}: tensor {}: element {} is {}, outside the vocabulary of {}", folder(), name, i, value, all);
    int64_t token = offsets ? i + value : value;
    if (token < 0 || token >= all || taken[token])
      return malformed("{}: tensor {}: draft token {} stands for token {}, which is {}", folder(), name, i, token,
                       token < 0 || token >= all ? "outside the vocabulary" : "taken already");
    taken[token] = true;
    identity &= token == i;
    tokens.push_back(static_cast<int32_t>(token));
  }
  if (identity)
    tokens.clear();
  return {};
}

/// The rows of the draft tokens, runs of neighbours together.
std::vector<TensorRows> HeadTensors::tokenRows(const std::string &tensor, const std::vector<int64_t> &shape) const {
  std::vector<TensorRows> parts;
  for (size_t begin = 0; begin < tokens.size();) {
    size_t end = begin + 1;
    while (end < tokens.size() && tokens[end] == tokens[end - 1] + 1)
      ++end;
    parts.push_back({tensor, shape, Rows::range(tokens[begin], static_cast<int64_t>(end - begin))});
    begin = end;
  }
  return parts;
}

Result<Value> HeadTensors::projection(const std::string &name) {
  int64_t hidden = model.shape().hidden, all = model.shape().vocabulary;
  if (!name.empty()) {
    const TensorInfo *tensor = find(name);
    bool isWhole = !tokens.empty() && tensor && !tensor->shape.empty() && tensor->shape[0] == all;
    YOKE_TRY(expect(name, {isWhole ? all : vocabulary(), hidden}));
    return isWhole ? model.stack(name, {vocabulary(), hidden}, tokenRows(name, {all, hidden}))
                   : model.matrix(name, vocabulary(), hidden);
  }
  if (tokens.empty())
    return model.headWeight();
  auto load = model.headWeight().getDefiningOp<ml_program::GlobalLoadConstOp>();
  auto global = model.module().lookupSymbol<ml_program::GlobalOp>(load.getGlobalAttr().getLeafReference());
  auto weight = dyn_cast_if_present<llm::WeightAttr>(global.getValueAttr());
  if (!weight || weight.getPieces().size() != 1 || weight.getCoding() == llm::WeightCoding::stored ||
      weight.getPieces().front().getTransposed())
    return malformed("{}: heads with a draft vocabulary and no projection of their own, but the model's is stored in "
                     "pieces",
                     folder());
  std::string tensor = weight.getPieces().front().getTensor().str();
  MLIRContext *context = model.module().getContext();
  SmallVector<llm::PieceAttr> pieces;
  for (const TensorRows &part : tokenRows(tensor, {all, hidden}))
    pieces.push_back(llm::PieceAttr::get(context, StringAttr::get(context, tensor), part.rows.offset, part.rows.block,
                                         part.rows.stride, part.rows.count, /*transposed=*/false));
  OpBuilder b(global);
  auto type = RankedTensorType::get({vocabulary(), hidden}, cast<RankedTensorType>(global.getType()).getElementType());
  return model.load(ml_program::GlobalOp::create(b, global.getLoc(), "heads/projection", type, /*is_mutable=*/false,
                                                 llm::WeightAttr::get(context, pieces, weight.getCoding()),
                                                 b.getStringAttr("private")));
}

Status HeadTensors::finish(StringRef kind, int64_t heads, function_ref<bool(StringRef)> mayBeExtra) {
  YOKE_TRY(table.check([&](StringRef name) { return llvm::is_contained(copies, name.str()) || mayBeExtra(name); }));
  Builder b(model.module().getContext());
  model.module()->setAttr("llm.draft",
                          b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kind)),
                                               b.getNamedAttr("heads", b.getI64IntegerAttr(heads)),
                                               b.getNamedAttr("vocabulary", b.getI64IntegerAttr(vocabulary()))}));
  if (!tokens.empty())
    model.module()->setAttr("llm.draft_vocabulary", b.getDenseI32ArrayAttr(tokens));
  return {};
}
