// `--device sim`: the runtime's steps on the simulated NPU and PIM of the compiler library.
#pragma once

#include "CompilerLibrary.h"
#include "runtime/StepDevice.h"
#include "yoke/simulator.h"

#include <memory>
#include <vector>

namespace yoke::cli {

struct SimulatedStepsOptions {
  std::string model;    ///< checkpoint folder
  std::string system;   ///< built-in target or the path of its description
  std::string weights;  ///< as of --weights
  std::string commands; ///< where the command trace goes, empty: nowhere
};

class SimulatedSteps final : public StepDevice {
public:
  /// Errors: those of the simulated device; Usage for a model that is no checkpoint folder.
  static Result<std::shared_ptr<SimulatedSteps>> create(const SimulatedStepsOptions &options);
  ~SimulatedSteps() override;

  void run(StepBatch &batch, std::span<float> rows) override;
  const Status &status() const override { return failure; }

  /// Cycles, time, utilisation, energy.
  std::string work() const override;
  /// Writes the command trace, where one was asked for. Errors: the first failed step, Resources.
  Status finish();

private:
  explicit SimulatedSteps(const CompilerLibrary &library) : library(library) {}

  const CompilerLibrary &library;
  yoke_simulator *simulator = nullptr;
  Status failure;
};

} // namespace yoke::cli
