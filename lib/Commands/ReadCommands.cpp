//===- ReadCommands.cpp - from IR to a command program --------------------===//
#include "Commands/Commands.h"

#include "Pim/Pim.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::sim;

namespace {
class Reader {
public:
  explicit Reader(const CommandMachine &machine) : machine(machine) {}

  LogicalResult stage(npu::StageOp op, CommandStage &stage) {
    stage.name = op.getName().str();
    if (stage.name.size() > maxCommandName)
      return op.emitOpError() << "expected a name of at most " << maxCommandName << " bytes";
    numbers.clear();
    made = 0;
    for (Operation &inner : op.getBody().front()) {
      auto issue = dyn_cast<pim::IssueOp>(inner);
      if (failed(issue ? issued(issue, stage.issued.emplace_back()) : command(&inner, stage.body, 0)))
        return failure();
    }
    return success();
  }

private:
  void number(Value value) { numbers[value] = made++; }

  std::vector<int32_t> taken(ValueRange values) {
    std::vector<int32_t> result;
    for (Value value : values)
      result.push_back(numbers.lookup(value));
    return result;
  }

  LogicalResult counted(Operation *op, int64_t depth) {
    if (depth > commandDepth)
      return op->emitOpError() << "expected at most " << commandDepth << " loops in each other";
    if (++nodes > maxCommandNodes)
      return op->emitOpError() << "expected at most " << maxCommandNodes << " commands in a program";
    return success();
  }

  template <class Node, class... Args> LogicalResult ruled(Operation *op, const Node &node, Args... inTile) {
    std::string rule = brokenRule(node, machine, inTile...);
    return rule.empty() ? success() : op->emitOpError(rule);
  }

  LogicalResult command(Operation *op, std::vector<CommandNode> &body, int64_t depth) {
    if (failed(counted(op, depth)))
      return failure();
    CommandNode &node = body.emplace_back();
    if (auto loop = dyn_cast<npu::RepeatOp>(op))
      return repeat(loop, node, depth);
    LogicalResult read =
        llvm::TypeSwitch<Operation *, LogicalResult>(op)
            .Case<npu::MoveInOp>([&](auto move) {
              npu::TileType type = move.getTile().getType();
              node.code = CommandCode::MoveIn;
              node.tile = {type.getRows(), type.getColumns(), uint8_t(type.getElement().getIntOrFloatBitWidth())};
              node.resident = move.getResident();
              return command(move, node);
            })
            .Case<npu::MoveOutOp>([&](auto move) {
              node.code = move.getChannel() ? CommandCode::MoveOutTo : CommandCode::MoveOut;
              node.amount = int64_t(move.getBytes());
              node.channel = int64_t(move.getChannel().value_or(0));
              node.bank = int64_t(move.getBank().value_or(0));
              node.row = int64_t(move.getRow().value_or(0));
              node.pimStream = move.getPimStream();
              if (node.pimStream && move.getChannel())
                return LogicalResult(move.emitOpError("expected a move to a place not to be of the PIM stream"));
              return command(move, node);
            })
            .Case<npu::GemmOp>([&](auto gemm) {
              node.code = CommandCode::Gemm;
              node.rows = int64_t(gemm.getRows());
              node.amount = int64_t(gemm.getCycles());
              node.latency = int64_t(gemm.getLatency());
              node.preload = gemm.getPreload();
              node.frees = gemm.getFrees();
              return command(gemm, node);
            })
            .Case<npu::VectorOp>([&](auto vector) {
              node.code = CommandCode::Vector;
              node.amount = int64_t(vector.getCycles());
              node.pimStream = vector.getPimStream();
              return command(vector, node);
            })
            .Case<npu::AllReduceOp>([&](auto reduce) {
              node.code = CommandCode::AllReduce;
              node.amount = int64_t(reduce.getBytes());
              node.rows = int64_t(reduce.getDevices());
              return command(reduce, node);
            })
            .Case<pim::RunOp>([&](auto run) {
              node.code = CommandCode::Pim;
              node.channel = int64_t(run.getChannel());
              if (failed(pimBody(run.getBody(), node.pim, 0, false)))
                return failure();
              return command(run, node);
            })
            .Case<npu::JoinOp>([&](auto join) {
              node.mark = join.getMark();
              node.operands = taken(join->getOperands());
              return success();
            })
            .Case<npu::FreeOp>([&](auto free) {
              node.code = CommandCode::Free;
              node.operands = taken(free->getOperands());
              return success();
            })
            .Default([](Operation *other) { return other->emitOpError("expected a command of a program"); });
    if (failed(read) || failed(ruled(op, node)))
      return failure();
    number(op->getResult(0));
    return success();
  }

  /// What commands of a phase have in common.
  template <class Op> LogicalResult command(Op op, CommandNode &node) {
    node.phase = static_cast<Phase>(op.getPhase());
    node.operands = taken(op->getOperands());
    return success();
  }

  LogicalResult repeat(npu::RepeatOp loop, CommandNode &node, int64_t depth) {
    node.code = CommandCode::Repeat;
    node.amount = int64_t(loop.getTimes());
    node.step = int64_t(loop.getRows());
    node.operands = taken(loop.getInputs());
    if (failed(ruled(loop, node)))
      return failure();
    int32_t before = made;
    Block &block = loop.getBody().front();
    for (Value argument : block.getArguments())
      number(argument);
    for (Operation &inner : block.without_terminator())
      if (failed(command(&inner, node.body, depth + 1)))
        return failure();
    node.yields = taken(block.getTerminator()->getOperands());
    made = before;
    for (Value result : loop.getOutputs())
      number(result);
    return success();
  }

  LogicalResult pimBody(Region &region, std::vector<PimNode> &body, int64_t depth, bool inTile) {
    for (Operation &op : region.front()) {
      if (failed(counted(&op, depth)) || failed(pimCommand(&op, body.emplace_back(), depth, inTile)))
        return failure();
    }
    return success();
  }

  LogicalResult pimCommand(Operation *op, PimNode &node, int64_t depth, bool inTile) {
    Region *inner = nullptr;
    llvm::TypeSwitch<Operation *>(op)
        .Case<pim::GwriteOp>([&](auto write) {
          node.code = PimCode::Gwrite;
          node.bank = int64_t(write.getBank());
          node.row = int64_t(write.getRow());
        })
        .Case<pim::TileOp>([&](auto tile) {
          node.code = PimCode::Tile;
          node.row = int64_t(tile.getRow());
          node.count = int64_t(tile.getComps());
          inner = &tile.getBody();
        })
        .Case<pim::RepeatOp>([&](auto loop) {
          node.code = PimCode::Repeat;
          node.count = int64_t(loop.getTimes());
          node.step = int64_t(loop.getStep());
          inner = &loop.getBody();
        })
        .Case<pim::CompOp>([&](auto comp) {
          node.code = PimCode::Comp;
          node.column = int64_t(comp.getColumn());
          node.count = int64_t(comp.getCount());
        })
        .Case<pim::CompsReadResOp>([&](auto comps) {
          node.code = PimCode::CompsResult;
          node.column = int64_t(comps.getColumn());
          node.count = int64_t(comps.getCount());
        })
        .Case<pim::ReadResOp>([&](auto) { node.code = PimCode::ReadResult; });
    if (failed(ruled(op, node, inTile)))
      return failure();
    return inner ? pimBody(*inner, node.body, depth + 1, inTile || node.code == PimCode::Tile) : success();
  }

  LogicalResult issued(pim::IssueOp op, TimedCommand &timed) {
    timed.cycle = int64_t(op.getCycle());
    timed.channel = int32_t(op.getChannel());
    timed.command = {static_cast<CommandKind>(op.getCommand()), uint8_t(op.getBank()), uint16_t(op.getCount()),
                     op.getRow() ? int32_t(*op.getRow()) : -1, int32_t(op.getColumn())};
    if (failed(counted(op, 0)))
      return failure();
    return ruled(op, timed);
  }

  const CommandMachine &machine;
  llvm::DenseMap<Value, int32_t> numbers;
  int32_t made = 0;
  int64_t nodes = 0;
};
} // namespace

FailureOr<CommandProgram> yoke::readCommands(npu::ProgramOp op) {
  CommandProgram program;
  program.name = op.getSymName().str();
  program.target = op.getTarget().str();
  if (std::max(program.name.size(), program.target.size()) > maxCommandName)
    return op.emitOpError() << "expected names of at most " << maxCommandName << " bytes";
  npu::MachineAttr sizes = op.getMachine();
  program.machine = {sizes.getChannels(), sizes.getBanks(), sizes.getRows(), sizes.getRowBytes()};
  program.policy = static_cast<CommandPolicy>(op.getPolicy());
  program.scratchpadBytes = int64_t(op.getScratchpad().value_or(0));
  program.streamBytes = int64_t(op.getStream().value_or(0));
  if (std::max(program.scratchpadBytes, program.streamBytes) > maxCommandAmount)
    return op.emitOpError() << "expected scratchpad and stream of at most " << maxCommandAmount << " bytes";
  Reader reader(program.machine);
  for (auto stage : op.getBody().getOps<npu::StageOp>())
    if (failed(reader.stage(stage, program.stages.emplace_back())))
      return failure();
  return program;
}
