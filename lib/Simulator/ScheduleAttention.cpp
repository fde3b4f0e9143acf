#include "Simulator/ScheduleBuilder.h"

namespace yoke::sim {

/// Writes a vector where a GWRITE will read it.
TaskId ScheduleBuilder::vectorStore(const Request &request, int64_t elements, TaskId after, PimStep &step) {
  BankRow place = vectorPlace(request.channel, nextVector[size_t(request.channel)]++);
  step = gwrite(place);
  return storeAt(place, elements * element, Phase::Attend, after);
}

/// Each query of every head that shares the keys of a row, of each new token, is a pass over the same rows: the vector
/// buffer holds one row.
void ScheduleBuilder::pimAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  int64_t banks = memory.banksPerChannel(), lanesPerBank = target.pim->macsPerBank, here = headsOf(group);
  int64_t length = model.visible(request.length), queries = model.queriesPerKey(), passes = queries * request.rows;
  int64_t keyTiles = ceilDivide(length, banks), chunks = ceilDivide(length, page);
  int64_t valueTiles = ceilDivide(model.headSize, banks);
  int32_t &free = nextRow[size_t(request.channel)];
  int32_t keyRows = free, valueRows = free + int32_t(keyTiles);
  free = valueRows + int32_t(here * chunks * valueTiles);
  packedRows[size_t(request.channel)] += keyTiles + ceilDivide(here * valueTiles * length, page);
  PimStep vector;
  // The new keys and values; values are gathered until an access is full of tokens.
  for (int64_t written = 0; written < 2 * request.rows; ++written)
    vectorStore(request, here * model.headSize, input, vector);
  for (int64_t pass = 0; pass < passes; ++pass) {
    TaskId query = vectorStore(request, here * model.headSize, input, vector);
    int32_t first = int32_t(program.steps.size());
    program.steps.push_back(vector);
    for (int64_t t = 0; t < keyTiles; ++t)
      tile(keyRows + int32_t(t), 0, ceilDivide(model.headSize, lanesPerBank), here,
           ceilDivide(model.headSize, lanesPerBank));
    TaskId logits = pim(request.channel, Phase::Logit, first, query);
    for (int64_t head = 0; head < here; ++head) {
      TaskId softmax = add(TaskKind::Vector, vectorEngine, Phase::Softmax, softmaxCycles(length), {logits});
      TaskId stored = join();
      first = int32_t(program.steps.size());
      int32_t row = valueRows + int32_t(head * chunks * valueTiles);
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        int64_t tokens = std::min(page, length - chunk * page);
        program.depend(stored, vectorStore(request, tokens, softmax, vector));
        program.steps.push_back(vector);
        for (int64_t t = 0; t < valueTiles; ++t)
          tile(row++, 0, ceilDivide(tokens, lanesPerBank), 1, 0);
      }
      TaskId attended = pim(request.channel, Phase::Attend, first, stored);
      if (chunks > 1)
        attended = add(TaskKind::Vector, vectorEngine, Phase::Attend, (chunks - 1) * lanes(model.headSize), {attended});
      program.depend(heads[size_t((group * headsPerGroup + head) * queries + pass / request.rows)], attended);
    }
  }
}

void ScheduleBuilder::npuAttention(const Request &request, int64_t group, TaskId input, std::vector<TaskId> &heads) {
  constexpr int64_t piece = 4096; // tokens whose keys are in the scratchpad at once
  int64_t here = headsOf(group), passes = model.queriesPerKey();
  int64_t length = std::min(request.length, model.visible(request.length) + request.rows - 1);
  add(TaskKind::Store, storeEngine, Phase::Attend, 2 * here * model.headSize * element * request.rows, {input});
  int64_t busy = ceilDivide(here * attentionCycles(length, request.rows, passes, model.headSize), npu.arrays);
  auto product = [&](Phase phase, TaskId after) {
    TaskId done = join();
    for (int64_t begin = 0; begin < length; begin += piece) {
      int64_t tokens = std::min(piece, length - begin), bytes = here * tokens * model.headSize * element;
      TaskId id = ProgramBuilder::product(phase, bytes, ceilDivide(busy * tokens, length), after);
      program.tasks[size_t(id)].rows = int32_t(request.rows * passes);
      program.tasks[size_t(program.tasks[size_t(id)].tile)].rows = int32_t(tokens);
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
    if (options.attentionOnPim && attendsOnPim(request, model))
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
