//===- DecodeOps.cpp - verifiers of the decode dialect --------------------===//
#include "Decode/Decode.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace yoke::decode;

#define GET_OP_CLASSES
#include "Decode/DecodeOps.cpp.inc"

bool yoke::decode::guessesByHeads(DrafterKind kind) {
  return kind == DrafterKind::medusa || kind == DrafterKind::hydra || kind == DrafterKind::eagle;
}

std::string yoke::decode::bucketName(StringRef callee, int64_t rows) { return (callee + "_r" + Twine(rows)).str(); }

static int64_t columns(Type type) { return cast<RankedTensorType>(type).getDimSize(1); }

static bool isFloats(Type rows) { return cast<RankedTensorType>(rows).getElementType().isF32(); }

/// Rows are logits, or the best logits of each and their tokens.
static LogicalResult expectRows(Operation *op, TypeRange rows) {
  if (rows.size() == 1 && isFloats(rows[0]))
    return success();
  if (rows.size() == 2 && isFloats(rows[0]) && !isFloats(rows[1]) && columns(rows[0]) == columns(rows[1]))
    return success();
  return op->emitOpError("expected rows of logits, or rows of the best logits and rows of their tokens");
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

LogicalResult LoopOp::verify() {
  if (getInits().getTypes() != getEnds().getTypes())
    return emitOpError("expected results of the operands' types");
  if (auto texts = llvm::count_if(getInits().getTypes(), llvm::IsaPred<TextType>); texts != 1)
    return emitOpError() << "expected exactly one !decode.text to be carried, found " << texts;
  ArrayRef<int64_t> rows = getCostRows().value_or(ArrayRef<int64_t>());
  ArrayRef<double> costs = getCosts().value_or(ArrayRef<double>());
  if (rows.size() != costs.size() || getCostRows().has_value() != getCosts().has_value())
    return emitOpError() << "expected a cost for each of cost_rows, found " << costs.size() << " for " << rows.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 ? rows[0] != 1 : rows[i] <= rows[i - 1])
      return emitOpError() << "expected cost_rows to ascend from 1, found " << rows[i];
    if (!(costs[i] > 0))
      return emitOpError() << "expected positive costs, found " << costs[i];
  }
  return success();
}

LogicalResult LoopOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInits().getTypes())
    return emitOpError("expected the region's arguments to have the operands' types");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != getInits().getTypes())
    return emitOpError("expected the region to end with a decode.yield of the operands' types");
  return success();
}

std::optional<double> LoopOp::costOf(int64_t rows) {
  ArrayRef<int64_t> known = getCostRows().value_or(ArrayRef<int64_t>());
  ArrayRef<double> costs = getCosts().value_or(ArrayRef<double>());
  if (known.empty())
    return std::nullopt;
  if (known.size() == 1)
    return costs[0] * static_cast<double>(rows);
  auto high = static_cast<size_t>(llvm::lower_bound(known, rows) - known.begin());
  high = std::clamp<size_t>(high, 1, known.size() - 1);
  double slope = (costs[high] - costs[high - 1]) / static_cast<double>(known[high] - known[high - 1]);
  return costs[high - 1] + slope * static_cast<double>(rows - known[high - 1]);
}

//===----------------------------------------------------------------------===//
// Guesses
//===----------------------------------------------------------------------===//

LogicalResult DraftOp::verify() {
  DrafterKind kind = getKind();
  if (guessesByHeads(kind))
    return emitOpError() << stringifyDrafterKind(kind) << " has no state; its guesses are made by decode.heads";
  if (getState().getType().getKind() != kind)
    return emitOpError() << "expected a state of " << stringifyDrafterKind(kind) << ", found one of "
                         << stringifyDrafterKind(getState().getType().getKind());
  std::tuple<StringRef, bool, DrafterKind> ours[] = {
      {"match", getMatch().has_value(), DrafterKind::prompt_lookup},
      {"copied", getCopied().has_value(), DrafterKind::prompt_lookup},
      {"longest", getLongest().has_value(), DrafterKind::ngram},
      {"topology", getTopology().has_value(), DrafterKind::token_recycling},
      {"monte_carlo", getMonteCarlo(), DrafterKind::adaptive},
      {"model", getModel().has_value(), DrafterKind::draft_model}};
  for (auto [name, given, of] : ours)
    if (given && kind != of)
      return emitOpError() << name << " is of " << stringifyDrafterKind(of) << ", found it for "
                           << stringifyDrafterKind(kind);
  for (auto [name, value] : {std::pair<StringRef, std::optional<uint64_t>>("match", getMatch()),
                             {"copied", getCopied()},
                             {"longest", getLongest()}})
    if (value && static_cast<int64_t>(*value) < 1)
      return emitOpError() << "expected " << name << " to be positive, found " << static_cast<int64_t>(*value);
  if (kind == DrafterKind::draft_model && !getModel())
    return emitOpError("expected the model of a draft_model");
  TreeType tree = getTree().getType();
  if (std::optional<TopologyAttr> topology = getTopology())
    if (topology->getSize() > tree.getNodes() || topology->getDepth() > tree.getDepth())
      return emitOpError() << "expected a tree of at least the topology's " << topology->getSize()
                           << " nodes and depth " << topology->getDepth() << ", found " << tree;
  return success();
}

LogicalResult HeadsOp::verify() {
  if (!guessesByHeads(getKind()))
    return emitOpError() << stringifyDrafterKind(getKind()) << " has no heads; its guesses are made by decode.draft";
  if (getCandidates().empty())
    return emitOpError("expected at least one head");
  return success();
}

LogicalResult TreeOp::verify() {
  TopologyAttr topology = getTopology();
  TreeTopology tree = topology.getTree();
  int64_t heads = static_cast<int64_t>(getCandidates().size());
  for (int32_t node = 1; node < tree.size(); ++node) {
    if (tree.depths[node] > heads)
      return emitOpError() << "expected a topology of at most depth " << heads << ", one candidate list each, found "
                           << topology.getDepth();
    int64_t width = columns(getCandidates()[tree.depths[node] - 1].getType());
    if (tree.ranks[node] >= width)
      return emitOpError() << "expected ranks below the " << width << " candidates of depth " << tree.depths[node]
                           << ", found " << tree.ranks[node];
  }
  TreeType type = getTree().getType();
  if (type.getNodes() != topology.getSize() || type.getDepth() != topology.getDepth())
    return emitOpError() << "expected a tree of the topology's " << topology.getSize() << " nodes and depth "
                         << topology.getDepth() << ", found " << type;
  return success();
}

LogicalResult LearnOp::verify() { return expectRows(*this, getRows().getTypes()); }

LogicalResult TopKOp::verify() {
  int64_t k = getK(), all = columns(getX().getType());
  if (columns(getValues().getType()) != k)
    return emitOpError() << "expected values and ids of as many columns, found " << columns(getValues().getType())
                         << " and " << k;
  if (k < 1 || k > all)
    return emitOpError() << "expected from 1 to the " << all << " columns of x, found " << k;
  return success();
}

//===----------------------------------------------------------------------===//
// The model, and what is kept
//===----------------------------------------------------------------------===//

static LogicalResult expectCallee(Operation *op, FlatSymbolRefAttr callee, SymbolTableCollection &symbols,
                                  TypeRange inputs, TypeRange results) {
  auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, callee);
  if (!function)
    return op->emitOpError() << "expected a function " << callee;
  if (TypeRange(function.getArgumentTypes()) != inputs || TypeRange(function.getResultTypes()) != results)
    return op->emitOpError() << "expected " << callee << " to have type "
                             << FunctionType::get(op->getContext(), inputs, results) << ", found "
                             << function.getFunctionType();
  return success();
}

LogicalResult HeadsOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return expectCallee(*this, getCalleeAttr(), symbols, getInputs().getTypes(), getResultTypes());
}

LogicalResult VerifyOp::verifySymbolUses(SymbolTableCollection &symbols) {
  MLIRContext *context = getContext();
  Type inputs[] = {RankedTensorType::get({ShapedType::kDynamic}, IntegerType::get(context, 32)),
                   llm::BatchType::get(context), getCache().getType()};
  int64_t last = 0;
  for (int64_t rows : getBuckets().value_or(ArrayRef<int64_t>())) {
    if (rows <= last)
      return emitOpError() << "expected buckets to ascend from 1, found " << rows;
    last = rows;
    auto bucket = FlatSymbolRefAttr::get(context, bucketName(getCallee(), rows));
    if (failed(expectCallee(*this, bucket, symbols, inputs, getResultTypes())))
      return failure();
  }
  return expectCallee(*this, getCalleeAttr(), symbols, inputs, getResultTypes());
}

LogicalResult AcceptOp::verify() {
  if (failed(expectRows(*this, getRows().getTypes())))
    return failure();
  if (getPolicy() != Acceptance::greedy && getRows().size() > 1)
    return emitOpError() << stringifyAcceptance(getPolicy()) << " needs logits of all tokens";
  bool isTypical = getPolicy() == Acceptance::typical;
  for (auto [name, value] :
       {std::pair<StringRef, std::optional<APFloat>>("epsilon", getEpsilon()), {"delta", getDelta()}}) {
    if (value.has_value() != isTypical)
      return emitOpError() << "expected " << name << " for typical acceptance and for no other";
    if (value && !(value->convertToDouble() >= 0 && value->convertToDouble() <= 1))
      return emitOpError() << "expected " << name << " from 0 to 1, found " << value->convertToDouble();
  }
  if (getPath().getType().getDepth() != getTree().getType().getDepth())
    return emitOpError() << "expected a path of the tree's depth " << getTree().getType().getDepth() << ", found "
                         << getPath().getType();
  return success();
}

LogicalResult SampleOp::verify() {
  if (getPolicy() == Acceptance::typical)
    return emitOpError("expected greedy or sampled, found typical");
  if (getPolicy() == Acceptance::sampled && getRows().size() > 1)
    return emitOpError("sampled needs logits of all tokens");
  return expectRows(*this, getRows().getTypes());
}
