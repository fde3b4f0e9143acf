// One decoder block of a batch on one device of a system, by every mode.
#pragma once

#include "Simulator/Machine.h"
#include "Simulator/Schedule.h"
#include "Simulator/Workload.h"

namespace yoke::sim {

enum class Mode { Gpu, Npu, NpuPim, NeuPims, Yoke };
enum class Interleave { On, Off, Auto };
std::string_view modeName(Mode mode);

struct SimulateOptions {
  Mode mode = Mode::Yoke;
  Interleave interleave = Interleave::Auto;
  bool published = false;    ///< the published simulator's shortcuts, for Npu, NpuPim and NeuPims
  bool links = false;        ///< all-reduces inside the block, where the mode can overlap them (Npu, Yoke)
  bool checkCapacity = true; ///< refuse what does not fit in memory
  std::vector<TimedCommand> *commands = nullptr;
  std::vector<Span> *spans = nullptr;
};

/// Time of the critical path: sums to that of the block (or of the iteration).
struct OpShare {
  std::string op;       ///< a phase's name
  std::string resource; ///< memory bandwidth, arrays, vector units, pim, link, launch
  double seconds;
};

struct Simulation {
  int64_t cyclesPerBlock = 0;
  double seconds = 0;                                                      ///< of the block
  int64_t simulatedCycles = 0;                                             ///< really simulated, all candidates
  double npuUtilisation = 0, pimUtilisation = 0, bandwidthUtilisation = 0; ///< shares of the peaks
  double roofPercent = 0;   ///< time of the binding roof (flops or bytes) over the block's
  double energyJoules = 0;  ///< of the block, one device
  bool linksInside = false; ///< the block's time has its all-reduces
  bool interleaved = false;
  std::string plan; ///< what was chosen, in words
  std::vector<std::pair<std::string, int64_t>> stages;
  std::vector<OpShare> breakdown;
};

/// Requests with several new rows are prefill: on every NPU their attention runs on the arrays, and modes with
/// published stages run them as Npu does. Errors: Usage (a mode that the target cannot run), Failed (does not fit).
Result<Simulation> simulateBlock(const Target &target, const ModelShape &model, std::vector<Request> batch,
                                 const SimulateOptions &options);

/// The schedules that mode Yoke (or Npu) chooses from: one or two sub-batches, attention on PIM or on the NPU.
std::vector<ScheduleOptions> scheduleCandidates(const Target &target, const ModelShape &model,
                                                const std::vector<Request> &batch, const SimulateOptions &options);
/// One of them; requests have channels. Errors: those of buildSchedule.
Result<Simulation> simulateSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                    const ScheduleOptions &schedule, const SimulateOptions &options);

/// The language model head for `rows` rows on one device; the same for all modes of an NPU.
Result<Simulation> simulateHead(const Target &target, const ModelShape &model, int64_t rows, Mode mode);

/// The resource that most of the time went to.
std::string limitingResource(const std::vector<OpShare> &breakdown);

} // namespace yoke::sim
