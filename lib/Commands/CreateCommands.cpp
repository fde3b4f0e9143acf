//===- CreateCommands.cpp - from a command program to IR ------------------===//
#include "Commands/Commands.h"

#include "Pim/Pim.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::sim;

namespace {
class Creator {
public:
  Creator(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc), token(npu::TokenType::get(loc.getContext())) {}

  void stage(const CommandStage &stage) {
    auto op = npu::StageOp::create(builder, loc, stage.name);
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&op.getBody());
    values.clear();
    for (const CommandNode &node : stage.body)
      command(node);
    for (const TimedCommand &timed : stage.issued)
      issue(timed);
  }

private:
  SmallVector<Value> taken(ArrayRef<int32_t> numbers) const {
    return llvm::map_to_vector(numbers, [&](int32_t number) { return values[number]; });
  }
  npu::Phase phaseOf(const CommandNode &node) const { return static_cast<npu::Phase>(node.phase); }
  IntegerAttr number(int64_t value) { return builder.getI64IntegerAttr(value); }
  UnitAttr flag(bool value) { return value ? builder.getUnitAttr() : UnitAttr(); }

  Type elementOf(const TileShape &tile) {
    if (tile.bits == 16)
      return builder.getF16Type();
    return tile.bits == 32 ? Type(builder.getF32Type()) : Type(builder.getIntegerType(tile.bits));
  }

  void command(const CommandNode &node) {
    if (node.code == CommandCode::Repeat)
      return repeat(node);
    values.push_back(make(node, taken(node.operands)));
  }

  Value make(const CommandNode &node, ValueRange inputs) {
    npu::Phase phase = phaseOf(node);
    switch (node.code) {
    case CommandCode::MoveIn: {
      auto type = npu::TileType::get(loc.getContext(), node.tile.rows, node.tile.columns, elementOf(node.tile));
      return npu::MoveInOp::create(builder, loc, type, phase, node.resident, inputs);
    }
    case CommandCode::MoveOut:
      return npu::MoveOutOp::create(builder, loc, token, phase, inputs, node.amount, IntegerAttr(), IntegerAttr(),
                                    IntegerAttr(), node.pimStream);
    case CommandCode::MoveOutTo:
      return npu::MoveOutOp::create(builder, loc, token, phase, inputs, node.amount, number(node.channel),
                                    number(node.bank), number(node.row), node.pimStream);
    case CommandCode::Gemm:
      return npu::GemmOp::create(builder, loc, token, phase, inputs, node.rows, node.amount, node.latency, node.preload,
                                 node.frees);
    case CommandCode::Vector:
      return npu::VectorOp::create(builder, loc, token, phase, inputs, node.amount, node.pimStream);
    case CommandCode::AllReduce:
      return npu::AllReduceOp::create(builder, loc, token, phase, inputs, node.amount, node.rows);
    case CommandCode::Join:
      return npu::JoinOp::create(builder, loc, token, inputs, node.mark);
    case CommandCode::Free:
      return npu::FreeOp::create(builder, loc, token, inputs.front(), inputs.drop_front());
    case CommandCode::Pim:
    case CommandCode::Repeat:
      break;
    }
    auto run = pim::RunOp::create(builder, loc, token, phase, node.channel, inputs);
    body(run.getBody(), node.pim);
    return run.getDone();
  }

  void repeat(const CommandNode &node) {
    SmallVector<Value> inputs = taken(node.operands);
    auto loop = npu::RepeatOp::create(builder, loc, node.amount, node.step, inputs);
    OpBuilder::InsertionGuard guard(builder);
    SmallVector<Location> locations(inputs.size(), loc);
    Block *block = builder.createBlock(&loop.getBody(), {}, ValueRange(inputs).getTypes(), locations);
    size_t before = values.size();
    llvm::append_range(values, block->getArguments());
    for (const CommandNode &inner : node.body)
      command(inner);
    npu::YieldOp::create(builder, loc, taken(node.yields));
    values.resize(before);
    llvm::append_range(values, loop.getOutputs());
  }

  void body(Region &region, ArrayRef<PimNode> nodes) {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&region);
    for (const PimNode &node : nodes)
      pimCommand(node);
  }

  void pimCommand(const PimNode &node) {
    switch (node.code) {
    case PimCode::Gwrite:
      pim::GwriteOp::create(builder, loc, node.bank, node.row);
      break;
    case PimCode::Tile:
      body(pim::TileOp::create(builder, loc, node.row, node.count).getBody(), node.body);
      break;
    case PimCode::Repeat:
      body(pim::RepeatOp::create(builder, loc, node.count, node.step).getBody(), node.body);
      break;
    case PimCode::Comp:
      pim::CompOp::create(builder, loc, node.column, node.count);
      break;
    case PimCode::ReadResult:
      pim::ReadResOp::create(builder, loc);
      break;
    case PimCode::CompsResult:
      pim::CompsReadResOp::create(builder, loc, node.column, node.count);
    }
  }

  void issue(const TimedCommand &timed) {
    const Command &command = timed.command;
    pim::IssueOp::create(builder, loc, static_cast<pim::Command>(command.kind), timed.cycle, timed.channel,
                         command.bank, command.row < 0 ? IntegerAttr() : number(command.row), command.column,
                         command.count);
  }

  OpBuilder &builder;
  Location loc;
  Type token;
  SmallVector<Value> values;
};
} // namespace

npu::ProgramOp yoke::createCommands(OpBuilder &builder, Location location, const CommandProgram &program) {
  MLIRContext *context = location.getContext();
  const CommandMachine &sizes = program.machine;
  auto optional = [&](int64_t value) { return value ? builder.getI64IntegerAttr(value) : IntegerAttr(); };
  auto op = npu::ProgramOp::create(
      builder, location, program.name, program.target,
      npu::MachineAttr::get(context, sizes.channels, sizes.banks, sizes.rows, sizes.rowBytes),
      static_cast<npu::Policy>(program.policy), optional(program.scratchpadBytes), optional(program.streamBytes));
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&op.getBody());
  Creator creator(builder, location);
  for (const CommandStage &stage : program.stages)
    creator.stage(stage);
  return op;
}
