//===- MakeLoop.cpp - adds the loops that generate text -------------------===//
#include "Decode/DecodePasses.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace yoke {
#define GEN_PASS_DEF_MAKELOOPPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct MakeLoopPass : yoke::impl::MakeLoopPassBase<MakeLoopPass> {
  using Base::Base;

  void runOnOperation() override {
    step = getOperation().lookupSymbol<func::FuncOp>("step");
    if (!step || step.getNumArguments() != 3 || !isa<llm::KVCacheType>(step.getArgumentTypes().back()))
      return;
    if (failed(readOptions()))
      return signalPassFailure();
    build("generate", decode::Acceptance::sampled);
    build("generate_greedy", decode::Acceptance::greedy);
  }

private:
  LogicalResult readOptions() {
    auto fail = [&](const Twine &message) { return getOperation().emitError(message); };
    if (rows < 1 || rows > TreeTopology::maxNodes)
      return fail("expected rows from 1 to " + Twine(TreeTopology::maxNodes) + ", found " + Twine(rows));
    if (!topology.empty()) {
      tree = dyn_cast_if_present<decode::TopologyAttr>(
          parseAttribute("#decode.topology<" + topology + ">", &getContext()));
      if (!tree)
        return fail("expected a topology, found " + topology);
      if (drafter != "token_recycling")
        return fail("a topology is of token_recycling, found it for " + drafter);
      // Nodes stand by depth: the first of them are a tree.
      tree = tree.keeping([&](int64_t node) { return node < rows; });
    }
    if (drafter == "none")
      return success();
    kind = decode::symbolizeDrafterKind(drafter);
    if (!kind || decode::guessesByHeads(*kind))
      return fail("expected none or a kind of decode.draft as the drafter, found " + drafter);
    return success();
  }

  /// The tree of this step.
  Value draft(ImplicitLocOpBuilder &b, Value text, Value state) {
    MLIRContext *context = &getContext();
    if (!kind) {
      auto root = decode::TopologyAttr::get(context, ArrayRef<int32_t>{-1}, ArrayRef<int32_t>{-1});
      return decode::TreeOp::create(b, decode::TreeType::get(context, 1, 0), root, text, ValueRange());
    }
    auto type = tree ? decode::TreeType::get(context, tree.getSize(), tree.getDepth())
                     : decode::TreeType::get(context, rows, depthOf(*kind));
    auto op = decode::DraftOp::create(b, type, *kind, text, state, IntegerAttr(), IntegerAttr(), IntegerAttr(),
                                      decode::TopologyAttr(), false, StringAttr());
    if (*kind == decode::DrafterKind::prompt_lookup) {
      op.setMatch(static_cast<uint64_t>(match.getValue()));
      op.setCopied(static_cast<uint64_t>(copied.getValue()));
    } else if (*kind == decode::DrafterKind::ngram) {
      op.setLongest(static_cast<uint64_t>(longest.getValue()));
    } else if (*kind == decode::DrafterKind::adaptive) {
      op.setMonteCarlo(monteCarlo);
    } else if (*kind == decode::DrafterKind::draft_model) {
      op.setModel(model.getValue());
    } else if (tree) {
      op.setTopologyAttr(tree);
    }
    return op;
  }

  int64_t depthOf(decode::DrafterKind kind) const {
    int64_t most = rows - 1;
    return kind == decode::DrafterKind::prompt_lookup ? std::min<int64_t>(copied, most) : most;
  }

  void build(StringRef name, decode::Acceptance policy) {
    MLIRContext *context = &getContext();
    ImplicitLocOpBuilder b(step.getLoc(), context);
    b.setInsertionPointToEnd(getOperation().getBody());
    SmallVector<Type> carried = {decode::TextType::get(context)};
    if (kind)
      carried.push_back(decode::DraftStateType::get(context, *kind));
    carried.push_back(step.getArgumentTypes().back());

    auto function = func::FuncOp::create(b, name, b.getFunctionType(carried, carried));
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    auto loop = decode::LoopOp::create(b, carried, entry->getArguments(),
                                       costRows.empty() ? nullptr : b.getDenseI64ArrayAttr(costRows),
                                       costs.empty() ? nullptr : b.getDenseF64ArrayAttr(costs));
    func::ReturnOp::create(b, loop.getResults());

    Block *body = &loop.getBody().emplaceBlock();
    for (Type type : carried)
      body->addArgument(type, step.getLoc());
    b.setInsertionPointToStart(body);
    Value text = body->getArgument(0), cache = body->getArguments().back();
    Value state = kind ? Value(body->getArgument(1)) : Value();
    Value guesses = draft(b, text, state);
    auto verify = decode::VerifyOp::create(b, step.getResultTypes(), step.getSymName(), guesses, text, cache,
                                           DenseI64ArrayAttr());
    Value logits = verify.getResult(0);
    SmallVector<Value> next;
    if (kind) {
      if (learns(*kind))
        state = decode::LearnOp::create(b, state.getType(), state, guesses, logits);
      auto accept = decode::AcceptOp::create(
          b, decode::PathType::get(context, cast<decode::TreeType>(guesses.getType()).getDepth()), text.getType(),
          policy, guesses, logits, text, FloatAttr(), FloatAttr());
      next = {accept.getNewText(), state,
              decode::CommitOp::create(b, cache.getType(), accept.getPath(), verify.getNewCache())};
    } else {
      next = {decode::SampleOp::create(b, text.getType(), policy, logits, text), verify.getNewCache()};
    }
    decode::YieldOp::create(b, next);
  }

  /// Whether the drafter wants the rows of all nodes.
  static bool learns(decode::DrafterKind kind) {
    return kind == decode::DrafterKind::token_recycling || kind == decode::DrafterKind::combined;
  }

  func::FuncOp step;
  std::optional<decode::DrafterKind> kind;
  decode::TopologyAttr tree;
};
} // namespace
