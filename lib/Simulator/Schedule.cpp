#include "Simulator/ScheduleBuilder.h"

#include <cmath>

namespace yoke::sim {

/// A slice of a matrix: `length` long and `width` wide, at most an array edge.
ScheduleBuilder::Slice ScheduleBuilder::weights(int64_t length, int64_t width, Phase phase) {
  int64_t bytes = length * width * element;
  Slice slice;
  slice.load = add(TaskKind::Load, loadEngine, phase, bytes, {});
  program.tasks[size_t(slice.load)].reserve = bytes;
  program.tasks[size_t(slice.load)].rows = int32_t(length);
  slice.freed = join();
  program.tasks[size_t(slice.freed)].release = bytes;
  program.tasks[size_t(slice.freed)].tile = slice.load;
  slice.length = length;
  slice.width = width;
  schedule.weightBytes += bytes;
  return slice;
}

TaskId ScheduleBuilder::multiply(Slice &slice, int64_t rows, Phase phase, TaskId input) {
  int64_t rounds = ceilDivide(ceilDivide(slice.length, npu.arrayRows), npu.arrays);
  TaskId id = add(TaskKind::Gemm, arrayEngine, phase, rounds * std::max(rows, npu.arrayRows), {slice.load, input});
  program.tasks[size_t(id)].latency = npu.arrayRows + npu.arrayColumns;
  program.tasks[size_t(id)].rows = int32_t(rows);
  program.depend(slice.freed, id);
  schedule.flops += 2.0 * double(rows) * double(slice.length * slice.width);
  return id;
}

TaskId ScheduleBuilder::reduce(int64_t rows, TaskId input) {
  if (!options.links || !target.link || model.tensorParallel == 1)
    return input;
  int64_t bytes = rows * model.width * element;
  double seconds = allReduceSeconds(*target.link, model.tensorParallel, double(bytes));
  TaskId id = add(TaskKind::Delay, linkEngine, Phase::Link, int64_t(std::ceil(seconds * npu.clockMHz * 1e6)), {input});
  program.tasks[size_t(id)].latency = bytes;
  program.tasks[size_t(id)].rows = int32_t(model.tensorParallel);
  return id;
}

void ScheduleBuilder::block(const std::vector<std::vector<Request>> &parts, std::vector<TaskId> &inputs) {
  size_t count = parts.size();
  std::vector<int64_t> rows;
  for (const auto &part : parts)
    rows.push_back(rowsOf(part));
  std::vector<TaskId> current(count);
  std::vector<std::vector<TaskId>> heads(count);
  for (size_t s = 0; s < count; ++s) {
    current[s] = vectors(rows[s], normCycles(model.width), Phase::Norm, inputs[s]);
    for (int64_t head = 0; head < model.headsPerDevice(); ++head)
      heads[s].push_back(join());
  }
  queriesKeysValues(parts, rows, current, heads);
  std::vector<TaskId> summed = projection(rows, heads);
  for (size_t s = 0; s < count; ++s) {
    inputs[s] = vectors(rows[s], lanes(model.width), Phase::Residual, reduce(rows[s], summed[s]));
    current[s] = vectors(rows[s], normCycles(model.width), Phase::Norm, inputs[s]);
  }
  summed = feedForward(rows, current);
  TaskId end = join();
  for (size_t s = 0; s < count; ++s) {
    inputs[s] = vectors(rows[s], lanes(model.width), Phase::Residual, reduce(rows[s], summed[s]));
    program.depend(end, inputs[s]);
  }
  schedule.blockEnds.push_back(end);
  // Blocks lie at one distance in all channels, and begin with the same place for vectors.
  std::fill(nextRow.begin(), nextRow.end(), *std::max_element(nextRow.begin(), nextRow.end()));
  std::fill(nextVector.begin(), nextVector.end(), 0);
}

void ScheduleBuilder::queriesKeysValues(const std::vector<std::vector<Request>> &parts,
                                        const std::vector<int64_t> &rows, const std::vector<TaskId> &current,
                                        std::vector<std::vector<TaskId>> &heads) {
  size_t count = parts.size();
  for (int64_t group = 0; group < groups; ++group) {
    std::vector<TaskId> ready;
    for (size_t s = 0; s < count; ++s)
      ready.push_back(join());
    int64_t columns = (model.queriesPerKey() + 2) * headsOf(group) * model.headSize;
    for (int64_t column = 0; column < columns; column += npu.arrayColumns) {
      Slice slice = weights(model.width, std::min(npu.arrayColumns, columns - column), Phase::Qkv);
      for (size_t s = 0; s < count; ++s)
        program.depend(ready[s], multiply(slice, rows[s], Phase::Qkv, current[s]));
    }
    for (size_t s = 0; s < count; ++s) {
      int64_t rotated = (model.queriesPerKey() + 1) * headsOf(group) * model.headSize;
      if (model.rotary)
        ready[s] = vectors(rows[s], 3 * lanes(rotated), Phase::Qkv, ready[s]);
      attention(parts[s], group, ready[s], heads[s]);
    }
  }
}

std::vector<TaskId> ScheduleBuilder::projection(const std::vector<int64_t> &rows,
                                                const std::vector<std::vector<TaskId>> &heads) {
  std::vector<TaskId> summed;
  for (size_t s = 0; s < rows.size(); ++s)
    summed.push_back(join());
  int64_t headsPerSlice = std::max<int64_t>(1, npu.arrayRows / model.headSize);
  for (int64_t head = 0; head < model.headsPerDevice(); head += headsPerSlice) {
    int64_t until = std::min(head + headsPerSlice, model.headsPerDevice()), inner = (until - head) * model.headSize;
    for (int64_t begin = 0; begin < inner; begin += npu.arrayRows) {
      Slice slice = weights(model.width, std::min(npu.arrayRows, inner - begin), Phase::Projection);
      for (size_t s = 0; s < rows.size(); ++s) {
        TaskId multiplied = multiply(slice, rows[s], Phase::Projection, heads[s][size_t(head)]);
        for (int64_t other = head + 1; other < until; ++other)
          program.depend(multiplied, heads[s][size_t(other)]);
        program.depend(summed[s], multiplied);
      }
    }
  }
  return summed;
}

std::vector<TaskId> ScheduleBuilder::feedForward(const std::vector<int64_t> &rows, const std::vector<TaskId> &current) {
  size_t count = rows.size();
  int64_t hidden = model.hiddenPerDevice(), edge = npu.arrayColumns;
  std::vector<TaskId> summed;
  std::vector<std::vector<TaskId>> activated(count);
  for (int64_t column = 0; column < hidden; column += edge) {
    int64_t width = std::min(edge, hidden - column);
    std::vector<TaskId> inner;
    for (size_t s = 0; s < count; ++s)
      inner.push_back(join());
    for (int matrix = 0; matrix < (model.gated ? 2 : 1); ++matrix) {
      Slice slice = weights(model.width, width, Phase::FeedForward);
      for (size_t s = 0; s < count; ++s)
        program.depend(inner[s], multiply(slice, rows[s], Phase::FeedForward, current[s]));
    }
    for (size_t s = 0; s < count; ++s)
      activated[s].push_back(vectors(rows[s], (model.gated ? 2 : 1) * lanes(edge), Phase::FeedForward, inner[s]));
  }
  for (size_t s = 0; s < count; ++s)
    summed.push_back(join());
  for (size_t part = 0; part < activated[0].size(); ++part) {
    Slice slice = weights(model.width, std::min(edge, hidden - int64_t(part) * edge), Phase::FeedForward);
    for (size_t s = 0; s < count; ++s)
      program.depend(summed[s], multiply(slice, rows[s], Phase::FeedForward, activated[s][part]));
  }
  return summed;
}

void ScheduleBuilder::head(int64_t rows) {
  TaskId input = vectors(rows, normCycles(model.width), Phase::Norm, -1), end = join();
  for (int64_t column = 0; column < model.vocabularyPerDevice(); column += npu.arrayColumns) {
    Slice slice = weights(model.width, std::min(npu.arrayColumns, model.vocabularyPerDevice() - column), Phase::Head);
    program.depend(end, vectors(rows, lanes(npu.arrayColumns), Phase::Head, multiply(slice, rows, Phase::Head, input)));
  }
  schedule.blockEnds.push_back(end);
}

namespace {

int64_t activationBytesPerRow(const ModelShape &model, const NpuTarget &npu) {
  int64_t perDevice = model.queryWidth() + 2 * model.keyWidth() + (model.gated ? 2 : 1) * model.hiddenPerDevice();
  return (2 * model.width + perDevice) * npu.elementBytes;
}

/// Whether activations of `rows` rows and two slices of weights fit.
Status checkScratchpad(const Target &target, const ModelShape &model, int64_t rows) {
  const NpuTarget &npu = *target.npu;
  int64_t slice = model.width * npu.arrayColumns * npu.elementBytes;
  int64_t needed = rows * activationBytesPerRow(model, npu) + 2 * slice;
  if (needed > npu.scratchpadBytes)
    return failed("{}: scratchpad_bytes is {}, the schedule of {} rows of {} needs {}", target.name,
                  npu.scratchpadBytes, rows, model.name, needed);
  return {};
}

/// Whether weights, keys and values fit in memory.
Status checkMemory(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                   int64_t rowsPerBlock, bool onPim) {
  const MemoryTarget &memory = *target.memory;
  int64_t layers = model.layersPerStage(), stripe = memory.capacityBytes() / memory.rows;
  int64_t weights =
      (model.blockWeights() * layers + 2 * model.width * model.vocabularyPerDevice()) * target.npu->elementBytes;
  int64_t weightRows = (weights + stripe - 1) / stripe;
  if (onPim && rowsPerBlock * layers + weightRows + 16 > memory.rows)
    return failed("{}: keys and values take {} rows of the fullest channel and weights {}, of {}", target.name,
                  rowsPerBlock * layers, weightRows, memory.rows);
  double tokens = 0;
  for (const Request &request : batch)
    tokens += double(model.visible(request.length));
  double keyValues = tokens * keyValueBytesPerToken(target, model);
  if (keyValues + double(weights) > double(memory.capacityBytes()))
    return failed("{}: keys and values take {:.2f} GB and weights {:.2f} GB, of {:.2f} GB", target.name,
                  keyValues / 1e9, double(weights) / 1e9, double(memory.capacityBytes()) / 1e9);
  return {};
}

} // namespace

double keyValueBytesPerToken(const Target &target, const ModelShape &model) {
  return 2.0 * double(model.keyWidth() * model.layersPerStage() * (target.npu ? target.npu->elementBytes : 2));
}

bool attendsOnPim(const Request &request, const ModelShape &model) {
  constexpr int64_t most = 128;
  return request.rows == 1 || (request.guesses && request.rows * model.queriesPerKey() <= most);
}

int64_t rowsOf(const std::vector<Request> &batch) {
  int64_t rows = 0;
  for (const Request &request : batch)
    rows += request.rows;
  return rows;
}

int64_t largestStep(const Target &target, const ModelShape &model) {
  return std::max<int64_t>(1, target.npu->scratchpadBytes / 2 / activationBytesPerRow(model, *target.npu));
}

double allReduceSeconds(const LinkTarget &link, int64_t devices, double bytes) {
  double steps = 2.0 * double(devices - 1);
  return steps * (link.latency + bytes / double(devices) / link.bandwidth);
}

MachineOptions overlappedMachine() {
  MachineOptions options;
  options.engines.assign(scheduleEngines, {});
  for (size_t engine = 0; engine < scheduleEngines; ++engine)
    options.engines[engine].byPriority = engine != loadEngine;
  options.engines[loadEngine].outstanding = 4;
  options.channel.bankQueue = 32;
  return options;
}

MachineOptions scheduleMachine(const Target &target, const ModelShape &model, int64_t rows) {
  MachineOptions options = overlappedMachine();
  options.scratchpadBytes =
      std::max<int64_t>(1, target.npu->scratchpadBytes - rows * activationBytesPerRow(model, *target.npu));
  return options;
}

namespace {

/// The sub-batches. Error (Failed): they do not fit the scratchpad, or a head not a row.
Result<std::vector<std::vector<Request>>> partsOf(const Target &target, const ModelShape &model,
                                                  const std::vector<Request> &batch, const ScheduleOptions &options) {
  YOKE_TRY(checkScratchpad(target, model, rowsOf(batch)));
  if (options.attentionOnPim && model.headSize * target.pim->elementBytes > target.memory->rowBytes)
    return failed("{}: a head of {} elements is longer than a row of {} bytes", target.name, model.headSize,
                  target.memory->rowBytes);
  std::vector<std::vector<Request>> parts = {byChannel(batch, target.memory->channels)};
  if (options.subBatches == 2) {
    auto [first, second] = splitBatch(batch, target.memory->channels);
    if (!first.empty() && !second.empty())
      parts = {first, second};
  }
  return parts;
}

} // namespace

Result<BlockSchedule> buildBlock(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                                 const ScheduleOptions &options) {
  std::vector<std::vector<Request>> parts = YOKE_TRY(partsOf(target, model, batch, options));
  BlockSchedule block;
  ScheduleBuilder builder(target, model, options, block.schedule);
  for (size_t i = 0; i < parts.size(); ++i)
    block.inputs.push_back(builder.join());
  block.outputs = block.inputs;
  builder.block(parts, block.outputs);
  block.rows = builder.rowsTaken();
  if (options.checkCapacity)
    YOKE_TRY(checkMemory(target, model, batch, builder.rowsUsed(), options.attentionOnPim));
  return block;
}

Result<Schedule> buildSchedule(const Target &target, const ModelShape &model, const std::vector<Request> &batch,
                               const ScheduleOptions &options) {
  std::vector<std::vector<Request>> parts = YOKE_TRY(partsOf(target, model, batch, options));
  Schedule schedule;
  std::vector<TaskId> inputs(parts.size(), -1);
  ScheduleBuilder builder(target, model, options, schedule);
  for (int64_t block = 0; block < options.blocks; ++block)
    builder.block(parts, inputs);
  int64_t rowsPerBlock = (builder.rowsUsed() + options.blocks - 1) / options.blocks;
  if (options.checkCapacity)
    YOKE_TRY(checkMemory(target, model, batch, rowsPerBlock, options.attentionOnPim));
  schedule.weightBytes /= options.blocks;
  schedule.npuKeyValueBytes /= options.blocks;
  schedule.flops /= double(options.blocks);
  return schedule;
}

Result<Schedule> buildHead(const Target &target, const ModelShape &model, int64_t rows) {
  YOKE_TRY(checkScratchpad(target, model, rows));
  Schedule schedule;
  ScheduleOptions options;
  ScheduleBuilder(target, model, options, schedule).head(rows);
  return schedule;
}

} // namespace yoke::sim
