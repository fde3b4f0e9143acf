#include "SimulatedSteps.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace yoke::cli {

Result<std::shared_ptr<SimulatedSteps>> SimulatedSteps::create(const SimulatedStepsOptions &options) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(options.model, ignored))
    return usageError("{}: the simulated device needs a checkpoint folder (a package holds weights packed for a CPU)",
                      options.model);
  const CompilerLibrary *library = YOKE_TRY(CompilerLibrary::load());
  std::shared_ptr<SimulatedSteps> steps(new SimulatedSteps(*library));
  yoke_simulator_options given = {sizeof(given), options.model.c_str(), options.system.c_str(), options.weights.c_str(),
                                  options.commands.c_str()};
  YOKE_TRY(library->call("simulation failed", [&](char *message, size_t size) {
    return library->simulatorCreate(&given, &steps->simulator, message, size);
  }));
  return steps;
}

SimulatedSteps::~SimulatedSteps() {
  if (simulator)
    library.simulatorDestroy(simulator);
}

void SimulatedSteps::run(StepBatch &batch, std::span<float> rows) {
  std::span<const int32_t> blocks = batch.blockTable();
  std::vector<int32_t> sequences; // a sequence is known by its first page
  for (int32_t sequence : batch.sequences)
    sequences.push_back(blocks[static_cast<size_t>(sequence * batch.blockStride())]);
  yoke_simulator_batch given = {sizeof(given),          batch.tokenCount(),  batch.outputCount(), batch.tokens.data(),
                                batch.positions.data(), batch.slots.data(),  batch.limits.data(), sequences.data(),
                                batch.parents.data(),   batch.outputs.data()};
  const int64_t count = std::max<int64_t>(1, batch.outputCount()), columns = int64_t(rows.size()) / count;
  if (failure)
    failure = library.call("simulation failed", [&](char *message, size_t size) {
      return library.simulatorStep(simulator, &given, rows.data(), columns, message, size);
    });
  if (!failure)
    std::fill(rows.begin(), rows.end(), std::numeric_limits<float>::quiet_NaN());
}

std::string SimulatedSteps::work() const { return library.simulatorWork(simulator); }

Status SimulatedSteps::finish() {
  YOKE_TRY(Status(failure));
  return library.call("simulation failed",
                      [&](char *message, size_t size) { return library.simulatorFinish(simulator, message, size); });
}

} // namespace yoke::cli
