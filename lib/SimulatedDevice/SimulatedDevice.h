//===- SimulatedDevice.h - a model on the simulated NPU and PIM -----------===//
//
// Runs steps of an imported model on the machine of lib/Simulator, values and timing in one pass. The steps are those
// of the placement (`--emit placed`): products and attention that lie on `pim` go through the banks as commands, all
// else through arrays and vector units.
//
// Precision: weights, keys and values, and every operand of the arrays and the banks are fp16; arrays, vector units and
// the sums within a bank work in float32; what READRES takes from a bank is fp16. The vocabulary matrix always runs on
// the arrays, since logits that are rounded to fp16 would tie.
#ifndef YOKE_LIB_SIMULATEDDEVICE_SIMULATEDDEVICE_H
#define YOKE_LIB_SIMULATEDDEVICE_SIMULATEDDEVICE_H

#include "Interpreter/Batch.h"
#include "Interpreter/Matrix.h"
#include "Simulator/Command.h"

#include <memory>
#include <string>

namespace yoke {

struct SimulatedDeviceOptions {
  std::string model;   ///< checkpoint folder
  std::string system;  ///< built-in target or the path of its description
  std::string weights; ///< "f32", "bf16", "f16" or empty: as stored, before they are rounded to fp16
};

/// How many products and attentions ran where, and what the machine did.
struct SimulatedWork {
  int64_t steps = 0, cycles = 0, firstOutputCycles = 0;
  int64_t arrayProducts = 0, bankProducts = 0, arrayAttentions = 0, bankAttentions = 0;
  double seconds = 0, firstOutputSeconds = 0;
  double npuUtilisation = 0;       ///< multiplications over those that the arrays could have done
  double pimUtilisation = 0;       ///< time in COMPs over all channels' time
  double bandwidthUtilisation = 0; ///< bytes moved over those that the bus could have
  double energyJoules = 0;
};

class SimulatedDevice {
public:
  /// Errors: Usage (a target that cannot compute with values), Malformed (checkpoint or target), Failed (what the
  /// device cannot run).
  static Result<std::unique_ptr<SimulatedDevice>> create(const SimulatedDeviceOptions &options);
  ~SimulatedDevice();

  /// Runs a step and returns one row for each wanted output. Numbers of sequences may be any; what a sequence wrote
  /// stays until it is written anew. Errors: Usage (a batch that does not fit the model or reads slots that nobody
  /// wrote), Failed (a value beyond fp16, no room in the banks).
  Result<Matrix> step(const Batch &batch);

  SimulatedWork work() const;
  /// The commands of all channels from now on are appended.
  void recordCommands(std::vector<sim::TimedCommand> *trace);

  struct State;

private:
  explicit SimulatedDevice(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace yoke

#endif // YOKE_LIB_SIMULATEDDEVICE_SIMULATEDDEVICE_H
