// One decode iteration of a batch on a system: what a user asks for.
#pragma once

#include "Simulator/Machine.h"
#include "Simulator/Workload.h"
#include "Support/Json.h"

namespace yoke::sim {

enum class Mode { Gpu, Npu, NpuPim, NeuPims, Yoke };
enum class Interleave { On, Off, Auto };

struct SimulateOptions {
  Mode mode = Mode::Yoke;
  Interleave interleave = Interleave::Auto;
  bool published = false; ///< the published simulator's shortcuts, for Npu, NpuPim and NeuPims
  std::vector<TimedCommand> *commands = nullptr;
  std::vector<Span> *spans = nullptr;
};

struct Simulation {
  int64_t cyclesPerBlock = 0;
  int64_t simulatedCycles = 0; ///< really simulated, all candidates
  double iterationSeconds = 0, tokensPerSecond = 0;
  double npuUtilisation = 0, pimUtilisation = 0, bandwidthUtilisation = 0; ///< shares of the peaks
  double roofPercent = 0;  ///< cycles of the binding roof (flops or bytes) over cycles
  double energyJoules = 0; ///< of the iteration, all devices
  bool interleaved = false;
  std::string plan; ///< what was chosen, in words
  std::vector<std::pair<std::string, int64_t>> stages;
};

/// Errors: Usage (a mode that the target cannot run), Failed (does not fit).
Result<Simulation> simulate(const Target &target, const ModelShape &model, std::vector<Request> batch,
                            const SimulateOptions &options);

std::string_view modeName(Mode mode);
Json toJson(const Simulation &simulation, Mode mode, int64_t layers);

/// Chrome trace events of spans: one process, a thread an engine, a thread a channel.
std::string chromeTrace(const std::vector<Span> &spans, double cyclesPerMicrosecond);

} // namespace yoke::sim
