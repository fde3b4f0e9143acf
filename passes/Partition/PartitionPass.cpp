//===- PartitionPass.cpp - each kernel on its device ----------------------===//
#include "Partition/KernelWork.h"
#include "Partition/Outline.h"
#include "Partition/Partition.h"
#include "Partition/Plan.h"
#include "Target/Assignment.h"
#include "Target/Builtin.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

namespace yoke {
#define GEN_PASS_DEF_PARTITIONPASS
#include "Partition/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
std::string microseconds(double seconds) { return fmt::format("{:.4g} us", seconds * 1e6); }

/// The kernels of one function, what they cost on each device, and where they are to go.
class Placement {
public:
  Placement(func::FuncOp function, const Target &target, const StepSizes &sizes)
      : function(function), target(target), sizes(sizes), devices(devicesOf(target)) {
    problem.devices = static_cast<int>(devices.size());
    for (Operation &op : function.getBody().front())
      if (isKernel(&op)) {
        numbers[&op] = static_cast<int>(kernels.size());
        addKernel(&op);
      }
  }

  bool empty() const { return kernels.empty(); }

  LogicalResult choose() {
    chosen = assignDevices(problem);
    std::string impossible;
    for (auto [number, device] : llvm::enumerate(chosen))
      if (device < 0)
        impossible += (impossible.empty() ? "" : ", ") + name(number);
    if (!impossible.empty())
      return function.emitError() << "no device of target '" << target.name << "' can compute " << impossible;
    return fitIntoMemories();
  }

  LogicalResult follow(const Plan &plan, StringRef path) {
    auto found = plan.functions.find(function.getName().str());
    if (found == plan.functions.end() || found->second.size() != kernels.size())
      return function.emitError() << path << ": expected the devices of the " << kernels.size() << " kernels of @"
                                  << function.getName() << ", found "
                                  << (found == plan.functions.end() ? 0 : found->second.size());
    for (auto [number, entry] : llvm::enumerate(found->second)) {
      auto device = llvm::find(devices, entry.device);
      if (entry.name != name(number) || device == devices.end() ||
          !std::isfinite(problem.kernels[number][device - devices.begin()]))
        return function.emitError() << path << ": kernel " << number << " of @" << function.getName() << ": expected '"
                                    << name(number) << "' on a device that can compute it, found '" << entry.name
                                    << "' on " << std::string(deviceName(entry.device));
      chosen.push_back(static_cast<int>(device - devices.begin()));
    }
    return success();
  }

  /// Kernels left to the CPU although there is something else.
  LogicalResult refuseFallback() {
    if (devices.size() < 2)
      return success();
    for (auto [number, device] : llvm::enumerate(chosen))
      if (devices[device] == Device::Cpu)
        return kernels[number]->emitError()
               << "kernel '" << name(number) << "' would fall back to the cpu: " << candidates(number);
    return success();
  }

  void remark() {
    for (auto [number, op] : llvm::enumerate(kernels))
      remark::passed(op->getLoc(), remark::RemarkOpts::name("Placed").category("yoke-partition"))
          << fmt::format("{} on {}: {}", name(number), deviceName(devices[chosen[number]]), candidates(number));
  }

  void summarise() {
    std::string text = fmt::format("@{}: {} kernels", function.getName().str(), kernels.size());
    for (size_t d = 0; d < devices.size(); ++d)
      if (auto count = llvm::count(chosen, static_cast<int>(d)))
        text += fmt::format(", {} on {}", count, deviceName(devices[d]));
    text += fmt::format("; {} a step", microseconds(totalSeconds(problem, chosen)));
    for (size_t d = 0; d < devices.size(); ++d) {
      double alone = totalSeconds(problem, std::vector<int>(kernels.size(), static_cast<int>(d)));
      if (devices.size() > 1)
        text += std::isfinite(alone) ? fmt::format(", {} on {} alone", microseconds(alone), deviceName(devices[d]))
                                     : fmt::format(", not possible on {} alone", deviceName(devices[d]));
    }
    function.emitRemark() << text;
  }

  std::vector<Plan::Kernel> plan() const {
    std::vector<Plan::Kernel> result;
    for (size_t number = 0; number < kernels.size(); ++number)
      result.push_back({name(number), devices[chosen[number]]});
    return result;
  }

  void outline() {
    llvm::DenseMap<Operation *, place::Device> placed;
    for (auto [number, op] : llvm::enumerate(kernels))
      placed[op] = static_cast<place::Device>(devices[chosen[number]]);
    outlinePlacement(function.getBody().front(), placed);
  }

private:
  std::string name(size_t number) const { return cast<llm::FusedOp>(kernels[number]).getKernel().str(); }

  void addKernel(Operation *op) {
    kernels.push_back(op);
    Work work = workOf(op, sizes);
    std::vector<double> seconds;
    std::vector<std::optional<Estimate>> all;
    for (Device device : devices) {
      all.push_back(estimate(target, device, work));
      seconds.push_back(all.back() ? all.back()->seconds : INFINITY);
    }
    problem.kernels.push_back(seconds);
    estimates.push_back(all);
    for (Value operand : llvm::SmallSetVector<Value, 8>(op->operand_begin(), op->operand_end()))
      if (Operation *maker = makerOf(operand))
        addEdge(numbers[maker], numbers[op], elementsOf(operand, sizes));
  }

  /// The kernel whose result a value is, or is a part of.
  Operation *makerOf(Value value) const {
    Operation *op = value.getDefiningOp();
    while (op && isa<tensor::ExtractSliceOp>(op))
      op = op->getOperand(0).getDefiningOp();
    return op && isKernel(op) ? op : nullptr;
  }

  void addEdge(int from, int to, double elements) {
    if (elements == 0)
      return;
    AssignmentProblem::Edge edge{from, to, {}};
    for (Device a : devices)
      for (Device b : devices)
        edge.seconds.push_back(transferSeconds(target, a, b, elements * elementBytes(target, a, sizeof(float))));
    problem.edges.push_back(edge);
  }

  std::string candidates(size_t number) const {
    std::string text;
    for (size_t d = 0; d < devices.size(); ++d) {
      const std::optional<Estimate> &each = estimates[number][d];
      text +=
          fmt::format("{}{} {}", d ? ", " : "", deviceName(devices[d]),
                      each ? fmt::format("{} ({})", microseconds(each->seconds), limitName(each->limit)) : "cannot");
    }
    return text;
  }

  /// Weights and cache of the kernels that work in the memory of `device`, each weight once.
  double used(int device) const {
    llvm::SmallPtrSet<Operation *, 32> loads;
    double bytes = 0;
    for (auto [number, op] : llvm::enumerate(kernels))
      if (shareMemory(devices[chosen[number]], devices[device]))
        bytes += ownBytes(op, devices[device], loads);
    return bytes;
  }

  double ownBytes(Operation *op, Device device, llvm::SmallPtrSetImpl<Operation *> &loads) const {
    double bytes = cacheBytes(op, sizes) / sizeof(float) * elementBytes(target, device, sizeof(float));
    for (Value operand : op->getOperands())
      if (Operation *load = operand.getDefiningOp(); load && weightBytes(load) > 0 && loads.insert(load).second) {
        auto type = cast<RankedTensorType>(operand.getType());
        auto elements = static_cast<double>(type.getNumElements());
        bytes += elements * elementBytes(target, device, weightBytes(load) / elements);
      }
    return bytes;
  }

  LogicalResult fitIntoMemories() {
    for (size_t d = 0; d < devices.size(); ++d) {
      double capacity = capacityBytes(target, devices[d]);
      while (used(static_cast<int>(d)) > capacity)
        if (!moveOneAway(static_cast<int>(d)))
          return function.emitError() << fmt::format(
                     "the memory of {} holds {:.4g} bytes; the weights and the cache of the kernels that need it take "
                     "{:.4g}",
                     deviceName(devices[d]), capacity, used(static_cast<int>(d)));
    }
    return success();
  }

  /// Moves the kernel that loses least time per byte from the memory of `device` into another that has room.
  bool moveOneAway(int device) {
    double best = INFINITY, now = totalSeconds(problem, chosen);
    std::pair<size_t, int> move;
    for (size_t number = 0; number < kernels.size(); ++number) {
      if (!shareMemory(devices[chosen[number]], devices[device]))
        continue;
      llvm::SmallPtrSet<Operation *, 8> loads;
      double bytes = ownBytes(kernels[number], devices[device], loads);
      for (size_t d = 0; d < devices.size() && bytes > 0; ++d) {
        if (shareMemory(devices[d], devices[device]) || !std::isfinite(problem.kernels[number][d]) ||
            used(static_cast<int>(d)) + bytes > capacityBytes(target, devices[d]))
          continue;
        int previous = std::exchange(chosen[number], static_cast<int>(d));
        double loss = (totalSeconds(problem, chosen) - now) / bytes;
        chosen[number] = previous;
        if (loss < best) {
          best = loss;
          move = {number, static_cast<int>(d)};
        }
      }
    }
    if (!std::isfinite(best))
      return false;
    chosen[move.first] = move.second;
    return true;
  }

  func::FuncOp function;
  const Target &target;
  const StepSizes &sizes;
  std::vector<Device> devices;
  SmallVector<Operation *> kernels;
  llvm::DenseMap<Operation *, int> numbers;
  std::vector<std::vector<std::optional<Estimate>>> estimates;
  AssignmentProblem problem;
  std::vector<int> chosen;
};

struct PartitionPass : yoke::impl::PartitionPassBase<PartitionPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(partition()))
      signalPassFailure();
  }

  /// How many rows a region computes that does not compute all is known at run time only.
  static LogicalResult refuseSomeRows(func::FuncOp function) {
    auto found = function.walk([](Operation *op) {
      if (!isa<llm::FfnSkipOp, llm::ByModalityOp>(op))
        return WalkResult::advance();
      op->emitError("regions that some rows do not go through have no placement");
      return WalkResult::interrupt();
    });
    return failure(found.wasInterrupted());
  }

  LogicalResult partition() {
    Result<Target> machine = findTarget(target);
    if (!machine)
      return getOperation().emitError() << machine.error().message;
    if (context < 0 || treeTokens < 1)
      return getOperation().emitError("expected context >= 0 and tree-tokens >= 1");
    Plan given, made;
    if (!plan.empty()) {
      Result<Plan> loaded = Plan::load(plan);
      if (!loaded)
        return getOperation().emitError() << loaded.error().message;
      given = *loaded;
    }
    made.target = machine->name;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      if (failed(refuseSomeRows(function)))
        return failure();
      StepClass step = StepClass::of(function);
      StepSizes sizes{step, context, step.tokens <= treeTokens ? step.rows() : step.sequences};
      Placement placement(function, *machine, sizes);
      if (placement.empty())
        continue;
      if (failed(plan.empty() ? placement.choose() : placement.follow(given, plan)) ||
          (noFallback && failed(placement.refuseFallback())))
        return failure();
      placement.remark();
      placement.summarise();
      made.functions[function.getName().str()] = placement.plan();
      placement.outline();
    }
    if (!savePlan.empty())
      if (Status saved = made.save(savePlan); !saved)
        return getOperation().emitError() << saved.error().message;
    return success();
  }
};
} // namespace
