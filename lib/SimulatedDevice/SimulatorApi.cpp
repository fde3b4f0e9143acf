//===- SimulatorApi.cpp - the C interface of the simulated device ---------===//
#include "yoke/simulator.h"

#include "Compiler/ErrorMessage.h"
#include "SimulatedDevice/SimulatedDevice.h"
#include "Support/File.h"
#include "Support/Json.h"

#include <algorithm>
#include <cstring>

using namespace yoke;

struct yoke_simulator {
  std::unique_ptr<SimulatedDevice> device;
  std::string commandsPath, work;
  std::vector<sim::TimedCommand> commands;
};

static int answer(const Status &status, char *message, size_t size) {
  copyMessage(status ? "" : status.error().message, message, size);
  return status ? 0 : exitCode(status.error().kind);
}

static Status create(const yoke_simulator_options &options, yoke_simulator &simulator) {
  auto text = [](const char *string) { return std::string(string ? string : ""); };
  std::string system = text(options.system);
  simulator.commandsPath = text(options.commands_path);
  simulator.device = YOKE_TRY(
      SimulatedDevice::create({text(options.model_path), system.empty() ? "neupims" : system, text(options.weights)}));
  if (!simulator.commandsPath.empty())
    simulator.device->recordCommands(&simulator.commands);
  return {};
}

#define YOKE_EXPORT extern "C" __attribute__((visibility("default")))

YOKE_EXPORT int yoke_simulator_create(const yoke_simulator_options *given, yoke_simulator **simulator, char *message,
                                      size_t size) {
  yoke_simulator_options options = {};
  std::memcpy(&options, given, std::min(given->size, sizeof(options)));
  auto made = std::make_unique<yoke_simulator>();
  Status status = create(options, *made);
  *simulator = status ? made.release() : nullptr;
  return answer(status, message, size);
}

static Status runStep(yoke_simulator &simulator, const yoke_simulator_batch &given, float *rows, int64_t columns) {
  auto list = [](const int32_t *values, int64_t count) { return std::vector<int32_t>(values, values + count); };
  Batch batch;
  batch.tokens = list(given.tokens, given.token_count);
  batch.positions = list(given.positions, given.token_count);
  batch.slots = list(given.slots, given.token_count);
  batch.limits = list(given.limits, given.token_count);
  batch.sequences = list(given.sequences, given.token_count);
  batch.parents = list(given.parents, given.token_count);
  batch.outputs = list(given.outputs, given.output_count);
  Matrix logits = YOKE_TRY(simulator.device->step(batch));
  if (logits.cols != columns && logits.rows > 0)
    return usageError("rows have {} columns, {} were asked for", logits.cols, columns);
  std::copy(logits.data.begin(), logits.data.end(), rows);
  return {};
}

YOKE_EXPORT int yoke_simulator_step(yoke_simulator *simulator, const yoke_simulator_batch *batch, float *rows,
                                    int64_t columns, char *message, size_t size) {
  return answer(runStep(*simulator, *batch, rows, columns), message, size);
}

YOKE_EXPORT const char *yoke_simulator_work(yoke_simulator *simulator) {
  SimulatedWork work = simulator->device->work();
  Json json = {{"steps", work.steps},
               {"cycles", work.cycles},
               {"time_s", work.seconds},
               {"first_output_cycles", work.firstOutputCycles},
               {"first_output_s", work.firstOutputSeconds},
               {"npu_utilisation", work.npuUtilisation},
               {"pim_utilisation", work.pimUtilisation},
               {"bandwidth_utilisation", work.bandwidthUtilisation},
               {"energy_j", work.energyJoules},
               {"products", {{"npu", work.arrayProducts}, {"pim", work.bankProducts}}},
               {"attentions", {{"npu", work.arrayAttentions}, {"pim", work.bankAttentions}}}};
  simulator->work = dumpJson(json);
  return simulator->work.c_str();
}

static Status writeCommands(const yoke_simulator &simulator) {
  if (simulator.commandsPath.empty())
    return {};
  AtomicFile file = YOKE_TRY(AtomicFile::create(simulator.commandsPath));
  YOKE_TRY(file.append(sim::formatTrace(simulator.commands)));
  return file.commit();
}

YOKE_EXPORT int yoke_simulator_finish(yoke_simulator *simulator, char *message, size_t size) {
  return answer(writeCommands(*simulator), message, size);
}

YOKE_EXPORT void yoke_simulator_destroy(yoke_simulator *simulator) { delete simulator; }
