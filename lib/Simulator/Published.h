// The published NeuPIMs simulator's view of a decoder block, its shortcuts included: what docs/simulator.md lists.
#pragma once

#include "Simulator/Machine.h"
#include "Simulator/Workload.h"

namespace yoke::sim {

enum class PublishedSystem { NpuOnly, NaiveNpuPim, NeuPims, NeuPimsInterleaved };

struct StageTime {
  std::string name;
  int64_t cycles;
};

struct PublishedResult {
  int64_t cycles = 0;         ///< of the whole run
  int64_t cyclesPerBlock = 0; ///< interleaved: of a block in the steady state
  std::vector<StageTime> stages;
  std::vector<PathShare> path; ///< of the cycles of a block
};

/// The options of a machine that models `system` as published.
MachineOptions publishedOptions(const Target &target, const ModelShape &model, PublishedSystem system);

/// Those that do not depend on the model.
MachineOptions publishedMachine(PublishedSystem system);
/// Takes back the shortcuts that need no other schedule: when a COMPS_READRES ends, one PIM instruction a cycle.
void liftShortcuts(MachineOptions &options);

struct PublishedStage {
  std::string name;
  Program program;
};
/// One decoder block (two when interleaved) of one device, stage by stage.
std::vector<PublishedStage> publishedStages(const Target &target, const ModelShape &model,
                                            const std::vector<Request> &batch, PublishedSystem system);

/// Runs one decoder block (two when interleaved) of one device on `machine`. Requests need channels unless NpuOnly.
Result<PublishedResult> runPublished(Machine &machine, const Target &target, const ModelShape &model,
                                     const std::vector<Request> &batch, PublishedSystem system);

} // namespace yoke::sim
