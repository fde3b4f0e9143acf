#include "Simulator/Published.h"

#include "Simulator/PublishedOps.h"

namespace yoke::sim {
namespace {

void queryKeyValue(PublishedBuilder &builder, const ModelShape &model, int64_t rows) {
  builder.layerNorm(rows, model.width);
  builder.matMul(rows, model.width, model.queryWidth() + 2 * model.keyWidth(), Phase::Qkv);
}

void projectionAndFeedForward(PublishedBuilder &builder, const ModelShape &model, int64_t rows) {
  int64_t hidden = model.hiddenPerDevice();
  builder.matMul(rows, model.queryWidth(), model.width, Phase::Projection);
  builder.add(rows, model.width);
  builder.layerNorm(rows, model.width);
  builder.matMul(rows, model.width, model.gated ? 2 * hidden : hidden, Phase::FeedForward);
  builder.gelu(rows, hidden);
  builder.matMul(rows, hidden, model.width, Phase::FeedForward);
  builder.add(rows, model.width);
}

struct Stage {
  const char *name;
  const std::vector<Request> *arrays; ///< rows on the systolic arrays
  bool qkv, rest;
  const std::vector<Request> *pim;
};

} // namespace

MachineOptions publishedMachine(PublishedSystem system) {
  MachineOptions options;
  options.engines.assign(publishedEngines + 1, {});
  options.engines[publishedEngines].byPriority = true; // joins
  options.engines[arrayExecute].startInterval = options.engines[arrayStore].startInterval = 1;
  options.engines[pimExecute].startInterval = options.engines[pimStore].startInterval = 1;
  options.channel.compositeEnd = CompositeEnd::AtIssue;
  options.channel.refreshTogether = options.channel.pullRefreshIn = false;
  options.channel.prepareEarly = options.channel.vectorsWritten = false;
  options.channel.activationBudget =
      system == PublishedSystem::NeuPims || system == PublishedSystem::NeuPimsInterleaved;
  options.arrays = ArrayModel::Overlapped;
  if (system == PublishedSystem::NpuOnly) {
    options.arrays = ArrayModel::Serial;
    options.engines[arrayLoad].startInterval = 1;
  }
  if (system == PublishedSystem::NaiveNpuPim)
    options.engines[pimLoad].stepInterval = 1;
  return options;
}

MachineOptions publishedOptions(const Target &target, const ModelShape &model, PublishedSystem system) {
  MachineOptions options = publishedMachine(system);
  int64_t ways = system == PublishedSystem::NpuOnly ? 1 : model.tensorParallel;
  options.addressWrap = 10 * model.width * model.width / ways;
  return options;
}

void liftShortcuts(MachineOptions &options) {
  options.channel.compositeEnd = CompositeEnd::AtLastComp;
  for (EngineOptions &engine : options.engines)
    engine.stepInterval = 0;
}

std::vector<PublishedStage> publishedStages(const Target &target, const ModelShape &model,
                                            const std::vector<Request> &batch, PublishedSystem system) {
  std::vector<PublishedStage> built;
  if (system == PublishedSystem::NpuOnly) {
    PublishedStage &block = built.emplace_back("block", Program());
    PublishedBuilder builder(block.program, target, model);
    queryKeyValue(builder, model, int64_t(batch.size()));
    builder.fusedAttention(batch);
    projectionAndFeedForward(builder, model, int64_t(batch.size()));
    return built;
  }
  std::vector<Request> all = byChannel(batch, target.memory->channels);
  std::vector<Request> first, second;
  std::vector<Stage> stages;
  if (system == PublishedSystem::NeuPimsInterleaved) {
    std::tie(first, second) = splitBatch(batch, target.memory->channels);
    stages = {{"A", &first, true, false, nullptr}, {"B", &second, true, false, &first},
              {"C", &first, true, true, &second},  {"D", &second, true, true, &first},
              {"E", &first, false, true, &second}, {"F", &second, false, true, nullptr}};
  } else {
    stages = {{"A", &all, true, false, nullptr}, {"B", nullptr, false, false, &all}, {"E", &all, false, true, nullptr}};
  }
  for (const Stage &stage : stages) {
    Program &program = built.emplace_back(stage.name, Program()).program;
    if (stage.arrays && !stage.arrays->empty()) {
      PublishedBuilder builder(program, target, model);
      if (stage.rest)
        projectionAndFeedForward(builder, model, int64_t(stage.arrays->size()));
      if (stage.qkv)
        queryKeyValue(builder, model, int64_t(stage.arrays->size()));
    }
    if (stage.pim && !stage.pim->empty()) {
      PublishedBuilder builder(program, target, model);
      builder.pimAttention(*stage.pim, system != PublishedSystem::NaiveNpuPim);
    }
  }
  return built;
}

Result<PublishedResult> runPublished(Machine &machine, const Target &target, const ModelShape &model,
                                     const std::vector<Request> &batch, PublishedSystem system) {
  PublishedResult result;
  int64_t begin = machine.now();
  for (PublishedStage &stage : publishedStages(target, model, batch, system)) {
    int64_t start = machine.now();
    YOKE_TRY(machine.run(std::move(stage.program)));
    result.stages.push_back({stage.name, machine.now() - start});
    bool steady = system != PublishedSystem::NeuPimsInterleaved || stage.name == "C" || stage.name == "D";
    if (steady && machine.lastFinished() >= 0)
      addShares(result.path, machine.criticalPath(machine.lastFinished(), start));
  }
  result.cycles = result.cyclesPerBlock = machine.now() - begin;
  if (system == PublishedSystem::NeuPimsInterleaved)
    result.cyclesPerBlock = result.stages[2].cycles + result.stages[3].cycles;
  return result;
}

} // namespace yoke::sim
