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

MachineOptions publishedOptions(const Target &target, const ModelShape &model, PublishedSystem system) {
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
  options.addressWrap = 10 * model.width * model.width / model.tensorParallel;
  if (system == PublishedSystem::NpuOnly) {
    options.arrays = ArrayModel::Serial;
    options.engines[arrayLoad].startInterval = 1;
    options.addressWrap = 10 * model.width * model.width;
  }
  if (system == PublishedSystem::NaiveNpuPim)
    options.engines[pimLoad].stepInterval = 1;
  return options;
}

Result<PublishedResult> runPublished(Machine &machine, const Target &target, const ModelShape &model,
                                     const std::vector<Request> &batch, PublishedSystem system) {
  std::vector<Request> all = byChannel(batch, target.memory->channels);
  std::vector<Request> first, second;
  std::vector<Stage> stages;
  PublishedResult result;
  int64_t begin = machine.now();
  if (system == PublishedSystem::NpuOnly) {
    Program program;
    PublishedBuilder builder(program, target, model);
    queryKeyValue(builder, model, int64_t(batch.size()));
    builder.fusedAttention(batch);
    projectionAndFeedForward(builder, model, int64_t(batch.size()));
    YOKE_TRY(machine.run(std::move(program)));
    result.cycles = result.cyclesPerBlock = machine.now() - begin;
    result.stages = {{"block", result.cycles}};
    result.path = machine.criticalPath(machine.lastFinished(), begin);
    return result;
  }
  if (system == PublishedSystem::NeuPimsInterleaved) {
    std::tie(first, second) = splitBatch(batch, target.memory->channels);
    stages = {{"A", &first, true, false, nullptr}, {"B", &second, true, false, &first},
              {"C", &first, true, true, &second},  {"D", &second, true, true, &first},
              {"E", &first, false, true, &second}, {"F", &second, false, true, nullptr}};
  } else {
    stages = {{"A", &all, true, false, nullptr}, {"B", nullptr, false, false, &all}, {"E", &all, false, true, nullptr}};
  }
  for (const Stage &stage : stages) {
    Program program;
    int64_t start = machine.now();
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
    YOKE_TRY(machine.run(std::move(program)));
    result.stages.push_back({stage.name, machine.now() - start});
    bool steady = system != PublishedSystem::NeuPimsInterleaved || stage.name[0] == 'C' || stage.name[0] == 'D';
    if (steady && machine.lastFinished() >= 0)
      addShares(result.path, machine.criticalPath(machine.lastFinished(), start));
  }
  result.cycles = result.cyclesPerBlock = machine.now() - begin;
  if (system == PublishedSystem::NeuPimsInterleaved)
    result.cyclesPerBlock = result.stages[2].cycles + result.stages[3].cycles;
  return result;
}

} // namespace yoke::sim
