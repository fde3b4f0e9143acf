//===- CheckPlacement.cpp - can the target execute it? --------------------===//
#include "Partition/KernelWork.h"
#include "Partition/Partition.h"
#include "Target/Builtin.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/SmallSet.h"

#include <cmath>

namespace yoke {
#define GEN_PASS_DEF_CHECKPLACEMENTPASS
#include "Partition/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct CheckPlacementPass : yoke::impl::CheckPlacementPassBase<CheckPlacementPass> {
  using Base::Base;

  void runOnOperation() override {
    Result<Target> machine = findTarget(target);
    if (!machine) {
      getOperation().emitError() << machine.error().message;
      return signalPassFailure();
    }
    bool wrong = false;
    for (auto function : getOperation().getOps<func::FuncOp>())
      wrong |= failed(check(function, *machine));
    if (wrong)
      signalPassFailure();
  }

  LogicalResult check(func::FuncOp function, const Target &machine) {
    std::vector<Device> devices = devicesOf(machine);
    StepClass step = StepClass::of(function);
    StepSizes sizes{step, context, step.rows()};
    std::vector<double> used(deviceKinds, 0);
    std::vector<llvm::SmallSet<StringRef, 32>> held(deviceKinds);
    WalkResult result = function.walk([&](Operation *op) -> WalkResult {
      if (auto transfer = dyn_cast<place::TransferOp>(op)) {
        for (place::Device end : {transfer.getSource(), transfer.getDestination()})
          if (!llvm::is_contained(devices, static_cast<Device>(end)))
            return op->emitError() << "target '" << machine.name << "' has no " << place::stringifyDevice(end);
        if (!std::isfinite(transferSeconds(machine, static_cast<Device>(transfer.getSource()),
                                           static_cast<Device>(transfer.getDestination()), 1)))
          return op->emitError() << "target '" << machine.name << "' has no link from "
                                 << place::stringifyDevice(transfer.getSource()) << " to "
                                 << place::stringifyDevice(transfer.getDestination());
        return WalkResult::advance();
      }
      if (isKernel(op) && !op->getParentOfType<place::OnOp>())
        return op->emitError("expected this kernel to be placed");
      auto on = op->getParentOfType<place::OnOp>();
      if (!on)
        return WalkResult::advance();
      auto device = static_cast<Device>(on.getDevice());
      if (!llvm::is_contained(devices, device))
        return on.emitError() << "target '" << machine.name << "' has no " << place::stringifyDevice(on.getDevice());
      // NPU and PIM work in one memory.
      auto memory = static_cast<size_t>(shareMemory(device, Device::Npu) ? Device::Npu : device);
      if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op);
          load && held[memory].insert(load.getGlobal().getLeafReference().getValue()).second)
        used[memory] += weightBytes(load);
      if (isKernel(op))
        used[memory] += cacheBytes(op, sizes) / sizeof(float) * elementBytes(machine, device, sizeof(float));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    for (Device device : devices)
      if (double bytes = used[static_cast<size_t>(device)]; bytes > capacityBytes(machine, device))
        return function.emitError() << fmt::format("expected at most the {:.4g} bytes that the memory of {} holds, "
                                                   "found {:.4g} of weights and KV cache",
                                                   capacityBytes(machine, device), deviceName(device), bytes);
    return success();
  }
};
} // namespace
