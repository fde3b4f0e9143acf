//===- InterleavePass.cpp - the schedule of a placed step -----------------===//
#include "NpuPim/LowerKernels.h"
#include "NpuPim/NpuPim.h"
#include "NpuPim/StepRequests.h"

#include "Simulator/CommandRun.h"
#include "Simulator/Simulate.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"

namespace yoke {
#define GEN_PASS_DEF_INTERLEAVEPASS
#include "NpuPim/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
/// One way to run a step.
struct Alternative {
  std::string name;
  Result<int64_t> cycles;
  place::ScheduleAttr schedule; ///< none: as the kernels are placed
};

struct InterleavePass : yoke::impl::InterleavePassBase<InterleavePass> {
  using Base::Base;

  void runOnOperation() override {
    Result<Target> machine = loadTarget(target);
    if (!machine) {
      getOperation().emitError() << machine.error().message;
      return signalPassFailure();
    }
    bool known = (mode == "yoke" || mode == "neupims") && llvm::is_contained({"auto", "on", "off"}, interleave);
    if (!known || context < 0 || devices < 1) {
      getOperation().emitError(
          "expected mode yoke or neupims, interleave auto, on or off, context >= 0 and devices >= 1");
      return signalPassFailure();
    }
    if (!machine->npu || !machine->memory)
      return;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.walk([](place::OnOp) { return WalkResult::interrupt(); }).wasInterrupted() &&
          failed(choose(function, *machine)))
        return signalPassFailure();
  }

  LogicalResult choose(func::FuncOp step, const Target &machine) {
    auto requests = requestsOf(step, machine, context, batchFile);
    if (!requests)
      return step.emitError() << requests.error().message;
    auto shape = decoderShape(step, devices);
    if (!shape) {
      remark::missed(step.getLoc(), remark::RemarkOpts::name("NotScheduled").category("yoke-interleave"))
          << shape.error().message;
      step.emitRemark() << "left as it is placed: " << shape.error().message;
      return success();
    }
    sim::placeRequests(*requests, *shape, machine, sim::Placement::AsGiven);
    std::vector<Alternative> all =
        mode == "neupims" ? stages(machine, *shape, *requests) : schedules(step, machine, *shape, *requests);
    const Alternative *best = nullptr;
    for (const Alternative &each : all) {
      remark::analysis(step.getLoc(), remark::RemarkOpts::name("Alternative").category("yoke-interleave"))
          << (each.cycles ? fmt::format("{}: {} cycles", each.name, *each.cycles)
                          : fmt::format("{}: impossible, {}", each.name, each.cycles.error().message));
      if (each.cycles && wanted(each, all, requests->size()) && (!best || *each.cycles < *best->cycles))
        best = &each;
    }
    if (!best)
      return step.emitError() << "no schedule is possible: " << all.front().cycles.error().message;
    remark::passed(step.getLoc(), remark::RemarkOpts::name("Scheduled").category("yoke-interleave"))
        << fmt::format("@{}: {}, {} cycles", step.getName().str(), best->name, *best->cycles);
    InFlightDiagnostic summary = step.emitRemark() << "@" << step.getName() << ": " << best->name << ", "
                                                   << *best->cycles << " cycles a step";
    for (const Alternative &each : all)
      if (&each != best && each.cycles)
        summary << "; " << each.name << " " << *each.cycles;
    if (best->schedule)
      step->setAttr("place.schedule", best->schedule);
    return success();
  }

  /// The published rule decides between stages; between our schedules their cycles do.
  bool wanted(const Alternative &each, const std::vector<Alternative> &all, size_t requests) const {
    if (mode != "neupims" || interleave != "auto" || all.size() == 1)
      return true;
    constexpr size_t publishedRule = 256;
    return (each.schedule.getSubBatches() == 2) == (requests >= publishedRule);
  }

  place::ScheduleAttr attribute(place::ScheduleKind kind, int64_t subBatches, bool onPim,
                                const std::vector<sim::Request> &requests) {
    SmallVector<int64_t> lengths, channels;
    for (const sim::Request &request : requests) {
      lengths.push_back(request.length);
      channels.push_back(request.channel);
    }
    return place::ScheduleAttr::get(&getContext(), kind, subBatches, onPim ? place::Device::pim : place::Device::npu,
                                    devices, requests.front().rows, lengths, channels);
  }

  bool allows(int64_t subBatches) const { return interleave == "auto" || (interleave == "on") == (subBatches == 2); }

  std::vector<Alternative> schedules(func::FuncOp step, const Target &machine, const sim::ModelShape &shape,
                                     const std::vector<sim::Request> &requests) {
    std::vector<Alternative> all;
    sim::SimulateOptions options;
    options.links = devices > 1;
    Result<sim::Simulation> head = sim::simulateHead(machine, shape, headRows(step), sim::Mode::Yoke);
    for (const sim::ScheduleOptions &candidate : sim::scheduleCandidates(machine, shape, requests, options)) {
      if (!allows(candidate.subBatches))
        continue;
      Result<sim::Simulation> block = sim::simulateSchedule(machine, shape, requests, candidate, options);
      Alternative &each = all.emplace_back();
      each.name = std::string(candidate.subBatches == 2 ? "two sub-batches" : "one batch") + ", attention on " +
                  (candidate.attentionOnPim ? "pim" : "npu");
      if (block && head)
        each.cycles = block->cyclesPerBlock * shape.layers + head->cyclesPerBlock;
      else
        each.cycles = tl::unexpected(block ? head.error() : block.error());
      each.schedule =
          attribute(place::ScheduleKind::overlapped, candidate.subBatches, candidate.attentionOnPim, requests);
    }
    if (devices == 1 && interleave != "on" && asPlaced)
      all.push_back({"kernels one by one", oneByOne(step, machine, requests), {}});
    return all;
  }

  /// Cycles of the kernels as they are placed.
  Result<int64_t> oneByOne(func::FuncOp step, const Target &machine, const std::vector<sim::Request> &requests) {
    std::string message;
    ScopedDiagnosticHandler errors(&getContext(), [&](Diagnostic &diagnostic) {
      message = diagnostic.str();
      return success();
    });
    FailureOr<sim::CommandProgram> program = lowerKernels(step, machine, requests);
    if (mlir::failed(program))
      return yoke::failed("{}", message);
    return YOKE_TRY(sim::runCommands(*program, machine)).cycles;
  }

  std::vector<Alternative> stages(const Target &machine, const sim::ModelShape &shape,
                                  const std::vector<sim::Request> &requests) {
    std::vector<Alternative> all;
    auto kind = published ? place::ScheduleKind::published_stages : place::ScheduleKind::stages;
    for (int64_t parts : {1, 2}) {
      if (!allows(parts))
        continue;
      sim::SimulateOptions options;
      options.mode = sim::Mode::NeuPims;
      options.published = published;
      options.interleave = parts == 2 ? sim::Interleave::On : sim::Interleave::Off;
      Result<sim::Simulation> block = sim::simulateBlock(machine, shape, requests, options);
      all.push_back({parts == 2 ? "two sub-batches in stages" : "one batch in stages",
                     block.map([&](const sim::Simulation &s) { return s.cyclesPerBlock * shape.layers; }),
                     attribute(kind, parts, true, requests)});
    }
    return all;
  }
};
} // namespace
