//===- LoopProgram.cpp - the parts of a generation loop -------------------===//
#include "Decode/LoopProgram.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke;

std::optional<int64_t> LoopProgram::best() {
  if (rows().size() < 2)
    return std::nullopt;
  return cast<RankedTensorType>(rows()[1].getType()).getDimSize(1);
}

namespace {
class Reader {
public:
  explicit Reader(decode::LoopOp loop) { program.loop = loop; }

  FailureOr<LoopProgram> read() {
    Block &body = program.loop.getBody().front();
    for (BlockArgument argument : body.getArguments())
      (isa<decode::TextType>(argument.getType())         ? text
       : isa<decode::DraftStateType>(argument.getType()) ? state
                                                         : cache) = argument;
    for (Operation &op : body)
      if (failed(take(op)))
        return failure();
    return program;
  }

private:
  LogicalResult take(Operation &op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
        .Case([&](decode::TreeOp tree) -> LogicalResult {
          if (!tree.getCandidates().empty())
            return tree.emitError("the CPU loop makes no trees of candidates");
          return keep(program.root, tree, !guesses() && tree.getText() == text, tree.getTree());
        })
        .Case([&](decode::DraftOp draft) -> LogicalResult {
          return keep(program.draft, draft, !guesses() && draft.getText() == text && draft.getState() == state,
                      draft.getTree());
        })
        .Case([&](decode::VerifyOp verify) -> LogicalResult {
          bool fits = guesses() && verify.getTree() == tree && verify.getText() == text && verify.getCache() == cache;
          cache = verify.getNewCache();
          rows.assign(verify.getRows().begin(), verify.getRows().end());
          return keep(program.verify, verify, fits);
        })
        .Case([&](decode::LearnOp learn) -> LogicalResult {
          bool fits =
              learn.getState() == state && learn.getTree() == tree && ValueRange(rows) == learn.getRows() && !chosen();
          state = learn.getNewState();
          return keep(program.learn, learn, fits);
        })
        .Case([&](decode::AcceptOp accept) -> LogicalResult {
          if (accept.getPolicy() == decode::Acceptance::typical)
            return accept.emitError("the CPU loop knows greedy and sampled acceptance only");
          bool fits = program.draft && accept.getTree() == tree && accept.getText() == text &&
                      ValueRange(rows) == accept.getRows() && !chosen();
          text = accept.getNewText();
          return keep(program.accept, accept, fits);
        })
        .Case([&](decode::SampleOp sample) -> LogicalResult {
          bool fits = program.root && sample.getText() == text && ValueRange(rows) == sample.getRows() && !chosen();
          text = sample.getNewText();
          return keep(program.sample, sample, fits);
        })
        .Case([&](decode::CommitOp commit) -> LogicalResult {
          bool fits = program.accept && commit.getPath() == program.accept.getPath() && commit.getCache() == cache;
          cache = commit.getNewCache();
          return keep(program.commit, commit, fits);
        })
        .Case([&](decode::YieldOp yield) -> LogicalResult {
          bool ends = program.sample || program.commit;
          for (Value value : yield.getValues())
            ends &= llvm::is_contained({text, state, cache}, value);
          return ends ? success() : yield.emitError("expected a step that chooses tokens and carries what it changed");
        })
        .Default(
            [&](Operation *other) -> LogicalResult { return other->emitError("the CPU loop does not know this op"); });
  }

  template <typename OpTy> LogicalResult keep(OpTy &member, OpTy op, bool fits, Value newTree = {}) {
    if (member || !fits)
      return op.emitError("the CPU loop changes values in place; expected draft, verify, learn, accept and commit in "
                          "this order, each once and on the newest values");
    member = op;
    if (newTree)
      tree = newTree;
    return success();
  }

  bool guesses() const { return program.root || program.draft; }
  bool chosen() const { return program.accept || program.sample; }

  LoopProgram program;
  Value text, state, cache, tree;
  SmallVector<Value> rows;
};
} // namespace

FailureOr<LoopProgram> LoopProgram::of(func::FuncOp function) {
  auto loops = function.getBody().getOps<decode::LoopOp>();
  Block &block = function.getBody().front();
  if (!function.getBody().hasOneBlock() || block.getOperations().size() != 2 || loops.empty())
    return function.emitError("expected a function of one decode.loop and nothing else");
  decode::LoopOp loop = *loops.begin();
  if (loop.getInits() != ValueRange(function.getArguments()) ||
      block.getTerminator()->getOperands() != ValueRange(loop.getEnds()))
    return function.emitError("expected the loop to carry the function's arguments and the function to return its "
                              "results");
  return Reader(loop).read();
}
