#include "Simulator/ScheduleBuilder.h"

namespace yoke::sim {

TaskId ScheduleBuilder::pim(const Request &request, Phase phase, int32_t firstStep, TaskId after) {
  TaskId id = add(TaskKind::Pim, pimEngine, phase, 0, {after});
  Task &task = program.tasks[size_t(id)];
  task.channel = int16_t(request.channel);
  task.firstStep = firstStep;
  task.steps = int32_t(program.steps.size()) - firstStep;
  return id;
}

/// Writes a vector where a GWRITE will read it.
TaskId ScheduleBuilder::vectorStore(const Request &request, int64_t elements, TaskId after, PimStep &gwrite) {
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

void ScheduleBuilder::tile(int32_t row, int64_t comps, int64_t results) {
  program.steps.push_back({CommandKind::Header, false, int16_t(comps * results), int16_t(results), 0, row, noOwner, 0});
  for (int64_t i = 0; i < results; ++i) {
    bool last = i + 1 == results;
    int16_t column = int16_t(i * comps);
    if (target.pim->compositeCommands) {
      program.steps.push_back({CommandKind::CompsReadResult, last, int16_t(comps), 1, 0, row, noOwner, 0, column});
      continue;
    }
    program.steps.push_back({CommandKind::Comp, false, int16_t(comps), 1, 0, row, noOwner, 0, column});
    program.steps.push_back({CommandKind::ReadResult, last, 1, 1, 0, row, noOwner, 0});
  }
}

/// The queries of every head that share the keys of a row are a pass over the same rows: the vector buffer holds one
/// row.
void ScheduleBuilder::pimAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  int64_t banks = memory.banksPerChannel(), lanesPerBank = target.pim->macsPerBank, here = headsOf(group);
  int64_t length = model.visible(request.length), passes = model.queriesPerKey();
  int64_t keyTiles = ceilDivide(length, banks), chunks = ceilDivide(length, page);
  int64_t valueTiles = ceilDivide(model.headSize, banks);
  int32_t &free = nextRow[size_t(request.channel)];
  int32_t keyRows = free, valueRows = free + int32_t(keyTiles);
  free = valueRows + int32_t(here * chunks * valueTiles);
  packedRows[size_t(request.channel)] += keyTiles + ceilDivide(here * valueTiles * length, page);
  PimStep gwrite;
  // The new key and value; values are gathered until an access is full of tokens.
  for (int written = 0; written < 2; ++written)
    vectorStore(request, here * model.headSize, input, gwrite);
  for (int64_t pass = 0; pass < passes; ++pass) {
    TaskId query = vectorStore(request, here * model.headSize, input, gwrite);
    int32_t first = int32_t(program.steps.size());
    program.steps.push_back(gwrite);
    for (int64_t t = 0; t < keyTiles; ++t)
      tile(keyRows + int32_t(t), ceilDivide(model.headSize, lanesPerBank), here);
    TaskId logits = pim(request, Phase::Logit, first, query);
    for (int64_t head = 0; head < here; ++head) {
      TaskId softmax = add(TaskKind::Vector, vectorEngine, Phase::Softmax, softmaxCycles(length), {logits});
      TaskId stored = join();
      first = int32_t(program.steps.size());
      int32_t row = valueRows + int32_t(head * chunks * valueTiles);
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        int64_t tokens = std::min(page, length - chunk * page);
        program.depend(stored, vectorStore(request, tokens, softmax, gwrite));
        program.steps.push_back(gwrite);
        for (int64_t t = 0; t < valueTiles; ++t)
          tile(row++, ceilDivide(tokens, lanesPerBank), 1);
      }
      TaskId attended = pim(request, Phase::Attend, first, stored);
      if (chunks > 1)
        attended = add(TaskKind::Vector, vectorEngine, Phase::Attend, (chunks - 1) * lanes(model.headSize), {attended});
      program.depend(heads[size_t((group * headsPerGroup + head) * passes + pass)], attended);
    }
  }
}

/// Array cycles of `rows` new rows times the keys (or values) of a head, `passes` query heads each: a tile of keys that
/// begins within the new tokens is needed by the later rows only.
int64_t ScheduleBuilder::attentionCycles(int64_t length, int64_t rows) const {
  int64_t columnTiles = ceilDivide(model.headSize, npu.arrayColumns), busy = 0;
  for (int64_t key = 0; key < length; key += npu.arrayRows) {
    int64_t needed = rows - std::max<int64_t>(0, key - (length - rows));
    busy += columnTiles * std::max(needed * model.queriesPerKey(), npu.arrayRows);
  }
  return busy;
}

void ScheduleBuilder::npuAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  constexpr int64_t piece = 4096; // tokens whose keys are in the scratchpad at once
  int64_t here = headsOf(group), passes = model.queriesPerKey();
  int64_t length = std::min(request.length, model.visible(request.length) + request.rows - 1);
  add(TaskKind::Store, storeEngine, Phase::Attend, 2 * here * model.headSize * element * request.rows, {input});
  int64_t busy = ceilDivide(here * attentionCycles(length, request.rows), npu.arrays);
  auto product = [&](Phase phase, TaskId after) {
    TaskId done = join();
    for (int64_t begin = 0; begin < length; begin += piece) {
      int64_t tokens = std::min(piece, length - begin), bytes = here * tokens * model.headSize * element;
      TaskId load = add(TaskKind::Load, loadEngine, phase, bytes, {});
      program.tasks[size_t(load)].reserve = bytes;
      program.tasks[size_t(load)].rows = int32_t(tokens);
      TaskId id = add(TaskKind::Gemm, arrayEngine, phase, ceilDivide(busy * tokens, length), {load, after});
      program.tasks[size_t(id)].latency = npu.arrayRows + npu.arrayColumns;
      program.tasks[size_t(id)].release = bytes;
      program.tasks[size_t(id)].tile = load;
      program.tasks[size_t(id)].rows = int32_t(request.rows * passes);
      program.depend(done, id);
    }
    return done;
  };
  TaskId logits = product(Phase::Logit, input);
  TaskId probabilities = join();
  int64_t average = std::max<int64_t>(1, length - (request.rows - 1) / 2);
  if (request.rows > 1)
    program.depend(probabilities,
                   vectors(here * passes * request.rows, softmaxCycles(average), Phase::Softmax, logits));
  else
    for (int64_t head = 0; head < here * passes; ++head)
      program.depend(probabilities,
                     add(TaskKind::Vector, vectorEngine, Phase::Softmax, softmaxCycles(length), {logits}));
  TaskId attended = product(Phase::Attend, probabilities);
  for (int64_t head = 0; head < here * passes; ++head)
    program.depend(heads[size_t(group * headsPerGroup * passes + head)], attended);
}

void ScheduleBuilder::attention(const std::vector<Request> &requests, int64_t group, TaskId input,
                                std::vector<TaskId> &heads) {
  for (const Request &request : requests) {
    double keys = double(model.visible(request.length)), columns = double(headsOf(group) * model.headSize);
    if (options.attentionOnPim && request.rows == 1)
      pimAttention(request, group, input, heads);
    else {
      npuAttention(request, group, input, heads);
      schedule.npuKeyValueBytes += int64_t(2 * keys * columns) * element;
    }
    double pairs = double(request.rows) * (keys - double(request.rows - 1) / 2);
    schedule.flops += 4.0 * pairs * columns * double(model.queriesPerKey());
  }
}

} // namespace yoke::sim
