#include "Simulator/Schedule.h"

#include <algorithm>
#include <cmath>

namespace yoke::sim {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

class Builder {
public:
  Builder(const Target &target, const ModelShape &model, const ScheduleOptions &options, Schedule &schedule)
      : target(target), npu(*target.npu), memory(*target.memory), model(model), options(options), schedule(schedule),
        program(schedule.program), nextRow(size_t(memory.channels), int32_t(memory.rows / 2)),
        nextVector(size_t(memory.channels), 0), packedRows(size_t(memory.channels), 0) {
    element = npu.elementBytes;
    page = memory.rowBytes / element;
    headsPerGroup = std::clamp<int64_t>(page / model.headSize, 1, model.headsPerDevice());
    groups = ceilDivide(model.headsPerDevice(), headsPerGroup);
  }

  void block(const std::vector<std::vector<Request>> &parts, std::vector<TaskId> &inputs);
  /// Rows of the fullest channel, with the values of short requests packed several heads to a row.
  int64_t rowsUsed() const { return *std::max_element(packedRows.begin(), packedRows.end()); }

private:
  struct Slice {
    TaskId load, freed;
    int64_t tiles;
  };

  TaskId add(TaskKind kind, ScheduleEngine engine, Phase phase, int64_t amount, std::initializer_list<TaskId> after) {
    Task task;
    task.kind = kind;
    task.engine = engine;
    task.phase = phase;
    task.amount = amount;
    TaskId id = program.add(task);
    for (TaskId before : after)
      if (before >= 0)
        program.depend(id, before);
    return id;
  }
  TaskId join() { return add(TaskKind::Join, joinEngine, Phase::Other, 0, {}); }

  Slice weights(int64_t length, Phase phase);
  TaskId multiply(Slice &slice, int64_t rows, Phase phase, TaskId input);
  TaskId vectors(int64_t rows, int64_t cyclesPerRow, Phase phase, TaskId input);
  TaskId reduce(int64_t rows, TaskId input);
  void attention(const std::vector<Request> &requests, int64_t group, TaskId input, std::vector<TaskId> &heads);
  void pimAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads);
  void npuAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads);
  TaskId pim(const Request &request, Phase phase, int32_t firstStep, TaskId after);
  TaskId vectorStore(const Request &request, int64_t elements, TaskId after, PimStep &gwrite);
  void tile(int32_t row, int64_t comps, int64_t results);

  int64_t lanes(int64_t size) const { return ceilDivide(size, npu.vectorLanes); }
  int64_t tree(int64_t size) const {
    int64_t steps = 1;
    for (; size > npu.vectorLanes; size = lanes(size))
      steps += lanes(size);
    return steps;
  }
  int64_t normCycles(int64_t size) const { return 2 * tree(size) + 3 + 5 * lanes(size); }
  int64_t softmaxCycles(int64_t size) const { return 2 * tree(size) + 3 * lanes(size); }

  const Target &target;
  const NpuTarget &npu;
  const MemoryTarget &memory;
  const ModelShape &model;
  const ScheduleOptions &options;
  Schedule &schedule;
  Program &program;
  int64_t element, page, headsPerGroup, groups;
  std::vector<int32_t> nextRow;
  std::vector<int64_t> nextVector, packedRows;
};

/// A slice of a matrix, one array edge wide and `length` long.
Builder::Slice Builder::weights(int64_t length, Phase phase) {
  int64_t bytes = length * npu.arrayColumns * element;
  Slice slice;
  slice.load = add(TaskKind::Load, loadEngine, phase, bytes, {});
  program.tasks[size_t(slice.load)].reserve = bytes;
  slice.freed = join();
  program.tasks[size_t(slice.freed)].release = bytes;
  slice.tiles = ceilDivide(length, npu.arrayRows);
  schedule.weightBytes += bytes;
  return slice;
}

TaskId Builder::multiply(Slice &slice, int64_t rows, Phase phase, TaskId input) {
  int64_t rounds = ceilDivide(slice.tiles, npu.arrays);
  TaskId id = add(TaskKind::Gemm, arrayEngine, phase, rounds * std::max(rows, npu.arrayRows), {slice.load, input});
  program.tasks[size_t(id)].latency = npu.arrayRows + npu.arrayColumns;
  program.depend(slice.freed, id);
  schedule.flops += 2.0 * double(rows) * double(slice.tiles * npu.arrayRows * npu.arrayColumns);
  return id;
}

/// Rows spread over the vector units.
TaskId Builder::vectors(int64_t rows, int64_t cyclesPerRow, Phase phase, TaskId input) {
  int64_t units = std::min(rows, npu.vectorUnits);
  TaskId done = join();
  for (int64_t unit = 0; unit < units; ++unit) {
    int64_t share = rows / units + (unit < rows % units);
    program.depend(done, add(TaskKind::Vector, vectorEngine, phase, share * cyclesPerRow, {input}));
  }
  return done;
}

TaskId Builder::reduce(int64_t rows, TaskId input) {
  if (!options.links || !target.link || model.tensorParallel == 1)
    return input;
  double seconds = allReduceSeconds(*target.link, model.tensorParallel, double(rows * model.width * element));
  return add(TaskKind::Delay, linkEngine, Phase::Link, int64_t(std::ceil(seconds * npu.clockMHz * 1e6)), {input});
}

TaskId Builder::pim(const Request &request, Phase phase, int32_t firstStep, TaskId after) {
  TaskId id = add(TaskKind::Pim, pimEngine, phase, 0, {after});
  Task &task = program.tasks[size_t(id)];
  task.channel = int16_t(request.channel);
  task.firstStep = firstStep;
  task.steps = int32_t(program.steps.size()) - firstStep;
  return id;
}

/// Writes a vector where a GWRITE will read it.
TaskId Builder::vectorStore(const Request &request, int64_t elements, TaskId after, PimStep &gwrite) {
  int64_t number = nextVector[size_t(request.channel)]++;
  gwrite = {CommandKind::Gwrite,
            false,
            1,
            0,
            uint8_t(number % memory.banksPerChannel()),
            int32_t(memory.rows - 1 - number / memory.banksPerChannel() % 16),
            noOwner,
            0};
  TaskId id = add(TaskKind::Store, storeEngine, Phase::Attend, elements * element, {after});
  Task &task = program.tasks[size_t(id)];
  task.channel = int16_t(request.channel);
  task.bank = gwrite.bank;
  task.row = gwrite.row;
  return id;
}

void Builder::tile(int32_t row, int64_t comps, int64_t results) {
  program.steps.push_back({CommandKind::Header, false, int16_t(comps * results), int16_t(results), 0, row, noOwner, 0});
  for (int64_t i = 0; i < results; ++i) {
    bool last = i + 1 == results;
    if (target.pim->compositeCommands) {
      program.steps.push_back({CommandKind::CompsReadResult, last, int16_t(comps), 1, 0, row, noOwner, 0});
      continue;
    }
    program.steps.push_back({CommandKind::Comp, false, int16_t(comps), 1, 0, row, noOwner, 0});
    program.steps.push_back({CommandKind::ReadResult, last, 1, 1, 0, row, noOwner, 0});
  }
}

void Builder::pimAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  int64_t banks = memory.banksPerChannel(), lanesPerBank = target.pim->macsPerBank;
  int64_t here = std::min(headsPerGroup, model.headsPerDevice() - group * headsPerGroup);
  int32_t &row = nextRow[size_t(request.channel)];
  PimStep gwrite;
  TaskId query = vectorStore(request, here * model.headSize, input, gwrite);
  // The new key and value; values are gathered until an access is full of tokens.
  PimStep unused;
  vectorStore(request, 2 * here * model.headSize, input, unused);
  int32_t first = int32_t(program.steps.size());
  program.steps.push_back(gwrite);
  for (int64_t t = 0; t < ceilDivide(request.length, banks); ++t)
    tile(row++, ceilDivide(model.headSize, lanesPerBank), here);
  TaskId logits = pim(request, Phase::Logit, first, query);
  int64_t tiles = ceilDivide(model.headSize, banks), chunks = ceilDivide(request.length, page);
  packedRows[size_t(request.channel)] +=
      ceilDivide(request.length, banks) + ceilDivide(here * tiles * request.length, page);
  for (int64_t head = 0; head < here; ++head) {
    TaskId softmax = add(TaskKind::Vector, vectorEngine, Phase::Softmax, softmaxCycles(request.length), {logits});
    TaskId stored = join();
    first = int32_t(program.steps.size());
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      int64_t tokens = std::min(page, request.length - chunk * page);
      program.depend(stored, vectorStore(request, tokens, softmax, gwrite));
      program.steps.push_back(gwrite);
      for (int64_t t = 0; t < tiles; ++t)
        tile(row++, ceilDivide(tokens, lanesPerBank), 1);
    }
    TaskId attended = pim(request, Phase::Attend, first, stored);
    if (chunks > 1)
      attended = add(TaskKind::Vector, vectorEngine, Phase::Attend, (chunks - 1) * lanes(model.headSize), {attended});
    program.depend(heads[size_t(group * headsPerGroup + head)], attended);
  }
}

void Builder::npuAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  int64_t here = std::min(headsPerGroup, model.headsPerDevice() - group * headsPerGroup);
  int64_t bytes = here * request.length * model.headSize * element;
  add(TaskKind::Store, storeEngine, Phase::Attend, 2 * here * model.headSize * element, {input});
  int64_t tiles = here * ceilDivide(request.length, npu.arrayRows) * ceilDivide(model.headSize, npu.arrayColumns);
  auto product = [&](Phase phase, TaskId after) {
    TaskId load = add(TaskKind::Load, loadEngine, phase, bytes, {});
    program.tasks[size_t(load)].reserve = bytes;
    TaskId id = add(TaskKind::Gemm, arrayEngine, phase, ceilDivide(tiles, npu.arrays) * npu.arrayRows, {load, after});
    program.tasks[size_t(id)].latency = npu.arrayRows + npu.arrayColumns;
    program.tasks[size_t(id)].release = bytes;
    return id;
  };
  TaskId logits = product(Phase::Logit, input);
  TaskId probabilities = join();
  for (int64_t head = 0; head < here; ++head)
    program.depend(probabilities,
                   add(TaskKind::Vector, vectorEngine, Phase::Softmax, softmaxCycles(request.length), {logits}));
  TaskId attended = product(Phase::Attend, probabilities);
  for (int64_t head = 0; head < here; ++head)
    program.depend(heads[size_t(group * headsPerGroup + head)], attended);
}

void Builder::attention(const std::vector<Request> &requests, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  for (const Request &request : requests) {
    if (options.attentionOnPim)
      pimAttention(request, group, input, heads);
    else
      npuAttention(request, group, input, heads);
    int64_t here = std::min(headsPerGroup, model.headsPerDevice() - group * headsPerGroup);
    schedule.keyValueBytes += 2 * request.length * here * model.headSize * element;
    schedule.flops += 4.0 * double(request.length * here * model.headSize);
  }
}

void Builder::block(const std::vector<std::vector<Request>> &parts, std::vector<TaskId> &inputs) {
  size_t count = parts.size();
  std::vector<int64_t> rows;
  for (const auto &part : parts)
    rows.push_back(int64_t(part.size()));
  int64_t edge = npu.arrayColumns, hidden = 4 * model.widthPerDevice();
  std::vector<TaskId> current(count);
  std::vector<std::vector<TaskId>> heads(count);
  for (size_t s = 0; s < count; ++s) {
    current[s] = vectors(rows[s], normCycles(model.width), Phase::Norm, inputs[s]);
    for (int64_t head = 0; head < model.headsPerDevice(); ++head)
      heads[s].push_back(join());
  }
  for (int64_t group = 0; group < groups; ++group) {
    int64_t here = std::min(headsPerGroup, model.headsPerDevice() - group * headsPerGroup);
    std::vector<TaskId> ready;
    for (size_t s = 0; s < count; ++s)
      ready.push_back(join());
    for (int64_t column = 0; column < 3 * here * model.headSize; column += edge) {
      Slice slice = weights(model.width, Phase::Qkv);
      for (size_t s = 0; s < count; ++s)
        program.depend(ready[s], multiply(slice, rows[s], Phase::Qkv, current[s]));
    }
    for (size_t s = 0; s < count; ++s)
      attention(parts[s], group, ready[s], heads[s]);
  }
  std::vector<TaskId> summed;
  for (size_t s = 0; s < count; ++s)
    summed.push_back(join());
  int64_t headsPerSlice = std::max<int64_t>(1, npu.arrayRows / model.headSize);
  for (int64_t head = 0; head < model.headsPerDevice(); head += headsPerSlice) {
    Slice slice = weights(model.width, Phase::Projection);
    for (size_t s = 0; s < count; ++s) {
      TaskId multiplied = multiply(slice, rows[s], Phase::Projection, heads[s][size_t(head)]);
      for (int64_t other = head + 1; other < std::min(head + headsPerSlice, model.headsPerDevice()); ++other)
        program.depend(multiplied, heads[s][size_t(other)]);
      program.depend(summed[s], multiplied);
    }
  }
  for (size_t s = 0; s < count; ++s) {
    TaskId residual = vectors(rows[s], lanes(model.width), Phase::Residual, reduce(rows[s], summed[s]));
    current[s] = vectors(rows[s], normCycles(model.width), Phase::Norm, residual);
    summed[s] = join();
  }
  std::vector<std::vector<TaskId>> activated(count);
  for (int64_t column = 0; column < hidden; column += edge) {
    Slice slice = weights(model.width, Phase::FeedForward);
    for (size_t s = 0; s < count; ++s)
      activated[s].push_back(
          vectors(rows[s], lanes(edge), Phase::FeedForward, multiply(slice, rows[s], Phase::FeedForward, current[s])));
  }
  for (size_t part = 0; part < activated[0].size(); ++part) {
    Slice slice = weights(model.width, Phase::FeedForward);
    for (size_t s = 0; s < count; ++s)
      program.depend(summed[s], multiply(slice, rows[s], Phase::FeedForward, activated[s][part]));
  }
  TaskId end = join();
  for (size_t s = 0; s < count; ++s) {
    inputs[s] = vectors(rows[s], lanes(model.width), Phase::Residual, reduce(rows[s], summed[s]));
    program.depend(end, inputs[s]);
  }
  schedule.blockEnds.push_back(end);
}

int64_t activationBytes(const ModelShape &model, const NpuTarget &npu, int64_t requests) {
  return requests * (2 * model.width + 7 * model.widthPerDevice()) * npu.elementBytes;
}

} // namespace

double allReduceSeconds(const LinkTarget &link, int64_t devices, double bytes) {
  double steps = 2.0 * double(devices - 1);
  return steps * (link.latency + bytes / double(devices) / link.bandwidth);
}

MachineOptions scheduleMachine(const Target &target, const ModelShape &model, size_t requests) {
  MachineOptions options;
  options.engines.assign(scheduleEngines, {});
  for (size_t engine = 0; engine < scheduleEngines; ++engine)
    options.engines[engine].byPriority = engine != loadEngine;
  options.engines[loadEngine].outstanding = 4;
  options.channel.bankQueue = 32;
  options.scratchpadBytes =
      std::max<int64_t>(1, target.npu->scratchpadBytes - activationBytes(model, *target.npu, int64_t(requests)));
  return options;
}

Result<Schedule> buildSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                               const ScheduleOptions &options) {
  const NpuTarget &npu = *target.npu;
  int64_t slice = model.width * npu.arrayColumns * npu.elementBytes;
  int64_t needed = activationBytes(model, npu, int64_t(batch.size())) + 2 * slice;
  if (needed > npu.scratchpadBytes)
    return failed("{}: scratchpad_bytes is {}, the schedule of {} requests of {} needs {}", target.name,
                  npu.scratchpadBytes, batch.size(), model.name, needed);
  std::vector<std::vector<Request>> parts = {byChannel(batch, target.memory->channels)};
  if (options.subBatches == 2) {
    auto [first, second] = splitBatch(batch, target.memory->channels);
    if (!first.empty() && !second.empty())
      parts = {first, second};
  }
  Schedule schedule;
  std::vector<TaskId> inputs(parts.size(), -1);
  Builder builder(target, model, options, schedule);
  for (int64_t block = 0; block < options.blocks; ++block)
    builder.block(parts, inputs);
  int64_t layers = ceilDivide(model.layers, model.pipelineParallel);
  int64_t rows = ceilDivide(builder.rowsUsed(), options.blocks) * layers;
  int64_t weightRows = ceilDivide(model.blockWeights() * layers * npu.elementBytes,
                                  target.memory->capacityBytes() / target.memory->rows);
  if (rows + weightRows + 16 > target.memory->rows)
    return failed("{}: keys and values take {} rows of the fullest channel and weights {}, of {}", target.name, rows,
                  weightRows, target.memory->rows);
  schedule.weightBytes /= options.blocks;
  schedule.keyValueBytes /= options.blocks;
  schedule.flops /= double(options.blocks);
  return schedule;
}

} // namespace yoke::sim
