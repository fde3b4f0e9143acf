//===- SimulatedDevice.cpp - a model on the simulated NPU and PIM ---------===//
#include "SimulatedDevice/SimulatedDevice.h"

#include "Compiler/Diagnostics.h"
#include "Compiler/Registration.h"
#include "Import/Import.h"
#include "Partition/StepClass.h"
#include "Pipelines.h"
#include "SimulatedDevice/DeviceState.h"
#include "Simulator/Energy.h"
#include "Simulator/Schedule.h"
#include "Target/Builtin.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace yoke;

static sim::MachineOptions machineOptions(const Target &target) {
  sim::MachineOptions options = sim::overlappedMachine();
  options.scratchpadBytes = target.npu->scratchpadBytes;
  return options;
}

SimulatedDevice::State::State(const Target &asked, Checkpoint opened)
    : target(asked), checkpoint(std::move(opened)), machine(target, machineOptions(target)), values(target) {
  DialectRegistry registry;
  registerEverything(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false);
}

func::FuncOp SimulatedDevice::State::functionFor(const Batch &batch) const {
  std::map<int32_t, int64_t> tokens;
  int64_t longest = 0;
  for (int32_t sequence : batch.sequences)
    longest = std::max(longest, ++tokens[sequence]);
  func::FuncOp best, last;
  for (auto function : module.get().getOps<func::FuncOp>()) {
    StepClass size = StepClass::of(function);
    if (size.tokens >= longest && (!best || size.rows() < StepClass::of(best).rows()))
      best = function;
    if (!last || size.rows() > StepClass::of(last).rows())
      last = function;
  }
  return best ? best : last;
}

SimulatedDevice::SimulatedDevice(std::unique_ptr<State> state) : state(std::move(state)) {}
SimulatedDevice::~SimulatedDevice() = default;

/// Imports the model and puts its kernels on the devices of the target.
static Status placeModel(SimulatedDevice::State &state, const SimulatedDeviceOptions &options) {
  ImportOptions import;
  if (options.weights == "f32")
    import.weightType = WeightType::F32;
  else if (options.weights == "bf16")
    import.weightType = WeightType::BF16;
  else if (options.weights == "f16")
    import.weightType = WeightType::F16;
  else if (!options.weights.empty())
    return usageError("weights {}: the simulated device takes f32, bf16 and f16", options.weights);
  state.module = YOKE_TRY(importCheckpoint(state.context, state.checkpoint, import));
  FirstError errors(state.context);
  ScopedDiagnosticHandler quiet(&state.context, [](Diagnostic &diagnostic) {
    return success(diagnostic.getSeverity() == DiagnosticSeverity::Remark);
  });
  PassManager manager(&state.context);
  buildPlacement(manager, options.system, {});
  if (mlir::failed(manager.run(*state.module)))
    return tl::unexpected<Error>(errors.take(ErrorKind::Failed, options.system + ": placement failed"));
  state.weights = std::make_unique<WeightCache>(*state.module, checkpointWeights(state.checkpoint),
                                                Float16Type::get(&state.context));
  return {};
}

Result<std::unique_ptr<SimulatedDevice>> SimulatedDevice::create(const SimulatedDeviceOptions &options) {
  Target target = YOKE_TRY(findTarget(options.system));
  YOKE_TRY(sim::checkValueTarget(target));
  auto state = std::make_unique<State>(target, YOKE_TRY(Checkpoint::open(options.model)));
  YOKE_TRY(placeModel(*state, options));
  return std::unique_ptr<SimulatedDevice>(new SimulatedDevice(std::move(state)));
}

Result<Matrix> SimulatedDevice::step(const Batch &batch) {
  YOKE_TRY(batch.verify());
  for (int64_t t = 0; t < batch.size(); ++t) {
    std::vector<int32_t> &positions = state->positions[batch.sequences[t]];
    positions.resize(std::max(positions.size(), static_cast<size_t>(batch.slots[t]) + 1), -1);
    positions[static_cast<size_t>(batch.slots[t])] = batch.positions[t];
  }
  Matrix rows = YOKE_TRY(runStep(*state, state->functionFor(batch), batch));
  ++state->work.steps;
  if (!batch.outputs.empty() && state->work.firstOutputCycles == 0)
    state->work.firstOutputCycles = state->machine.now();
  return rows;
}

SimulatedWork SimulatedDevice::work() const {
  SimulatedWork work = state->work;
  const sim::Machine &machine = state->machine;
  const Target &target = state->target;
  double cycles = std::max(1.0, static_cast<double>(machine.now())), clock = target.npu->clockMHz * 1e6;
  work.cycles = machine.now();
  work.seconds = static_cast<double>(work.cycles) / clock;
  work.firstOutputSeconds = static_cast<double>(work.firstOutputCycles) / clock;
  work.npuUtilisation = state->flops / target.npu->flopsPerCycle() / cycles;
  work.pimUtilisation = sim::compShare(target, machine, cycles);
  work.bandwidthUtilisation =
      static_cast<double>(machine.bytesLoaded() + machine.bytesStored()) / target.memory->bytesPerCycle() / cycles;
  work.energyJoules = sim::machineEnergy(target, machine, state->flops);
  return work;
}

void SimulatedDevice::recordCommands(std::vector<sim::TimedCommand> *trace) { state->machine.recordCommands(trace); }
