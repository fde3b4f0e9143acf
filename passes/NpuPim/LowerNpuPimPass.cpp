//===- LowerNpuPimPass.cpp - placed steps to command programs -------------===//
#include "NpuPim/LowerKernels.h"
#include "NpuPim/NpuPim.h"
#include "NpuPim/StepRequests.h"

#include "Commands/Commands.h"
#include "Simulator/ScheduleCommands.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

namespace yoke {
#define GEN_PASS_DEF_LOWERNPUPIMPASS
#include "NpuPim/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct LowerNpuPimPass : yoke::impl::LowerNpuPimPassBase<LowerNpuPimPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<func::FuncOp> steps;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.walk([](place::OnOp) { return WalkResult::interrupt(); }).wasInterrupted())
        steps.push_back(function);
    if (steps.empty())
      return;
    Result<Target> machine = loadTarget(target);
    if (!machine) {
      getOperation().emitError() << machine.error().message;
      return signalPassFailure();
    }
    if (!machine->npu || !machine->memory) {
      getOperation().emitError() << "target '" << machine->name << "' has no npu and memory to make commands for";
      return signalPassFailure();
    }
    for (func::FuncOp step : steps)
      if (failed(lower(step, *machine)))
        return signalPassFailure();
    eraseUnreadWeights();
  }

  LogicalResult lower(func::FuncOp step, const Target &machine) {
    auto schedule = step->getAttrOfType<place::ScheduleAttr>("place.schedule");
    FailureOr<sim::CommandProgram> program = schedule ? follow(step, machine, schedule) : oneByOne(step, machine);
    if (failed(program))
      return failure();
    program->name = step.getName().str();
    OpBuilder builder(step);
    createCommands(builder, step.getLoc(), *program);
    step.erase();
    return success();
  }

  FailureOr<sim::CommandProgram> oneByOne(func::FuncOp step, const Target &machine) {
    auto requests = requestsOf(step, machine, context, batchFile);
    if (!requests)
      return step.emitError() << requests.error().message;
    return lowerKernels(step, machine, *requests);
  }

  FailureOr<sim::CommandProgram> follow(func::FuncOp step, const Target &machine, place::ScheduleAttr schedule) {
    auto shape = decoderShape(step, schedule.getDevices());
    if (!shape)
      return step.emitError() << shape.error().message;
    ArrayRef<int64_t> lengths = schedule.getLengths(), channels = schedule.getChannels();
    std::vector<sim::Request> requests;
    for (auto [length, channel] : llvm::zip(lengths, channels)) {
      if (channel >= machine.memory->channels)
        return step.emitError() << "expected channels of the schedule below " << machine.memory->channels << ", found "
                                << channel;
      requests.push_back({length, static_cast<int32_t>(channel), schedule.getRows()});
    }
    bool onPim = schedule.getAttention() == place::Device::pim;
    bool overlapped = schedule.getKind() == place::ScheduleKind::overlapped;
    if (!machine.pim && (onPim || !overlapped))
      return step.emitError() << "target '" << machine.name << "' has no pim for the schedule";
    if (!overlapped) {
      auto system =
          schedule.getSubBatches() == 2 ? sim::PublishedSystem::NeuPimsInterleaved : sim::PublishedSystem::NeuPims;
      return sim::publishedCommands(machine, *shape, requests, system,
                                    schedule.getKind() == place::ScheduleKind::stages);
    }
    sim::ScheduleOptions options{shape->layers, schedule.getSubBatches(), onPim, schedule.getDevices() > 1, true};
    auto program = sim::scheduleCommands(machine, *shape, requests, options, headRows(step));
    if (!program)
      return step.emitError() << program.error().message;
    return std::move(*program);
  }

  void eraseUnreadWeights() {
    for (auto global : llvm::make_early_inc_range(getOperation().getOps<ml_program::GlobalOp>()))
      if (SymbolTable::symbolKnownUseEmpty(global, getOperation()))
        global.erase();
  }
};
} // namespace
