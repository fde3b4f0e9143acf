#include "Simulator/PublishedOps.h"

#include <algorithm>
#include <bit>

namespace yoke::sim {
namespace {

constexpr int64_t elementBytes = 2;
constexpr int64_t edge = 128; // the array's edge is fixed in the published operators

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

int64_t PublishedBuilder::lanes(int64_t size) const { return ceilDivide(size, target.npu->vectorLanes); }

int64_t PublishedBuilder::tree(int64_t size) const {
  int64_t steps = 1;
  while (size > target.npu->vectorLanes) {
    size = lanes(size);
    steps += size;
  }
  return steps;
}

int64_t PublishedBuilder::layerNormCycles(int64_t size) const { return 2 * tree(size) + 3 + 5 * lanes(size); }
int64_t PublishedBuilder::softmaxCycles(int64_t size) const { return 2 * tree(size) + 3 * lanes(size); }

TaskId PublishedBuilder::task(Tile &tile, TaskKind kind, uint8_t engine, Phase phase, int64_t amount, bool result) {
  Task made;
  made.kind = kind;
  made.engine = engine;
  made.phase = phase;
  made.amount = amount;
  TaskId id = program.add(made);
  tile.results.push_back(id);
  if (!result)
    tile.operands.push_back(id);
  return id;
}

TaskId PublishedBuilder::load(Tile &tile, int64_t bytes, Phase phase) {
  TaskId id = task(tile, TaskKind::Load, arrayLoad, phase, bytes, false);
  for (TaskId before : {gate, gateAccumulator})
    if (before >= 0)
      program.depend(id, before);
  return id;
}

void PublishedBuilder::store(Tile &tile, int64_t bytes, Phase phase, TaskId after, uint8_t engine) {
  TaskId id = task(tile, TaskKind::Store, engine, phase, bytes, true);
  program.depend(id, after);
}

void PublishedBuilder::beginTile(Tile &tile, bool accumulate) {
  gate = barrier;
  gateAccumulator = -1;
  if (tiles.size() >= 2) {
    gate = tiles[tiles.size() - 2].first;
    if (!accumulate)
      gateAccumulator = tiles[tiles.size() - 2].second;
  }
}

void PublishedBuilder::endTile(const Tile &tile) {
  Task join;
  join.kind = TaskKind::Join;
  join.engine = publishedEngines;
  TaskId operands = program.add(join), all = program.add(join);
  for (TaskId id : tile.operands)
    program.depend(operands, id);
  program.depend(all, operands);
  for (TaskId id : tile.results)
    program.depend(all, id);
  tiles.push_back({operands, all});
}

void PublishedBuilder::endOperator() {
  Task join;
  join.kind = TaskKind::Join;
  join.engine = publishedEngines;
  TaskId all = program.add(join);
  for (auto &[operands, done] : tiles)
    program.depend(all, done);
  barrier = all;
}

void PublishedBuilder::rowOperator(int64_t rows, int64_t width, int64_t operands, int64_t cycles, int64_t parameters,
                                   Phase phase) {
  beginOperator();
  Tile tile;
  beginTile(tile, false);
  for (int64_t i = 0; i < parameters; ++i)
    load(tile, width * elementBytes, phase);
  TaskId lastParameter = tile.results.empty() ? -1 : tile.results.back();
  for (int64_t row = 0; row < rows; ++row) {
    TaskId first = load(tile, width * elementBytes, phase);
    TaskId second = operands > 1 ? load(tile, width * elementBytes, phase) : -1;
    TaskId compute = task(tile, TaskKind::Vector, arrayExecute, phase, cycles, false);
    for (TaskId input : {first, second, lastParameter})
      if (input >= 0)
        program.depend(compute, input);
    store(tile, width * elementBytes, phase, compute);
  }
  endTile(tile);
  endOperator();
}

void PublishedBuilder::layerNorm(int64_t rows, int64_t width) {
  rowOperator(rows, width, 1, layerNormCycles(width), 2, Phase::Norm);
}
void PublishedBuilder::gelu(int64_t rows, int64_t width) {
  rowOperator(rows, width, 1, lanes(width), 0, Phase::FeedForward);
}
void PublishedBuilder::add(int64_t rows, int64_t width) {
  rowOperator(rows, width, 2, lanes(width), 0, Phase::Residual);
}

void PublishedBuilder::matMul(int64_t rows, int64_t inner, int64_t columns, Phase phase) {
  int64_t size[3] = {rows, inner, columns}, loops[3] = {1, 1, 1};
  auto bytes = [&] {
    int64_t up[3];
    for (int i = 0; i < 3; ++i)
      up[i] = ceilDivide(size[i], edge) * edge;
    return (up[0] * up[1] + up[1] * up[2] + up[0] * up[2]) * elementBytes;
  };
  while (bytes() > target.npu->scratchpadBytes / 2) {
    int64_t largest = std::max_element(size, size + 3) - size;
    if (size[largest] <= edge)
      break;
    loops[largest] *= 2;
    size[largest] = ceilDivide(size[largest], 2);
  }
  auto part = [&](int axis, int64_t total, int64_t index) {
    return std::clamp<int64_t>(total - size[axis] * index, 0, size[axis]);
  };
  beginOperator();
  for (int64_t c = 0; c < loops[2]; ++c)
    for (int64_t r = 0; r < loops[0]; ++r)
      for (int64_t k = 0; k < loops[1]; ++k)
        matMulTile(part(0, rows, r), part(1, inner, k), part(2, columns, c), k == 0, k != 0, k + 1 == loops[1], phase);
  endOperator();
}

void PublishedBuilder::matMulTile(int64_t rows, int64_t inner, int64_t columns, bool bias, bool accumulate, bool write,
                                  Phase phase) {
  if (rows == 0 || inner == 0 || columns == 0)
    return;
  Tile tile;
  beginTile(tile, accumulate);
  int64_t columnTiles = ceilDivide(columns, edge), innerTiles = ceilDivide(inner, edge);
  auto extent = [](int64_t total, int64_t index) { return std::min(edge, total - index * edge); };
  if (bias)
    for (int64_t m = 0; m < columnTiles; ++m)
      load(tile, extent(columns, m) * elementBytes, phase);
  std::vector<TaskId> weights(size_t(innerTiles * columnTiles), -1);
  for (int64_t n = 0; n < ceilDivide(rows, edge); ++n)
    for (int64_t k = 0; k < innerTiles; ++k) {
      TaskId activation = -1;
      for (int64_t m = 0; m < columnTiles; ++m) {
        TaskId &weight = weights[size_t(k * columnTiles + m)];
        if (n == 0)
          weight = load(tile, extent(inner, k) * extent(columns, m) * elementBytes, phase);
        if (m == 0)
          activation = load(tile, extent(inner, k) * extent(rows, n) * elementBytes, phase);
        TaskId gemm = task(tile, TaskKind::Gemm, arrayExecute, phase, edge / target.npu->arrays, false);
        program.tasks[size_t(gemm)].preload = m == 0;
        program.depend(gemm, weight);
        program.depend(gemm, activation);
        if (write && k + 1 == innerTiles)
          store(tile, extent(columns, m) * extent(rows, n) * elementBytes, phase, gemm);
      }
    }
  endTile(tile);
}

void PublishedBuilder::fusedAttention(const std::vector<Request> &requests) {
  beginOperator();
  int64_t size = model.headSize;
  for (const Request &request : requests) {
    Tile tile;
    beginTile(tile, false);
    TaskId key = -1, value = -1;
    for (int64_t head = 0; head < model.headsPerDevice(); ++head) {
      TaskId query = load(tile, size * elementBytes, Phase::Logit);
      if (head % model.queriesPerKey() == 0) {
        key = load(tile, size * request.length * elementBytes, Phase::Logit);
        value = load(tile, size * request.length * elementBytes, Phase::Attend);
      }
      auto gemm = [&](int64_t amount, TaskId a, TaskId b, Phase phase) {
        TaskId id = task(tile, TaskKind::Gemm, arrayExecute, phase, amount, false);
        program.tasks[size_t(id)].preload = true;
        program.tasks[size_t(id)].latency = 8; // vector operands skip most of the preload
        program.depend(id, a);
        program.depend(id, b);
        return id;
      };
      TaskId logits = gemm(request.length / target.npu->arrays, query, key, Phase::Logit);
      TaskId softmax = task(tile, TaskKind::Vector, arrayExecute, Phase::Softmax, softmaxCycles(request.length), false);
      program.depend(softmax, logits);
      TaskId last = -1;
      for (int64_t i = 0; i < request.length + edge - 1; i += edge)
        last = gemm(size / target.npu->arrays, softmax, value, Phase::Attend);
      store(tile, size * elementBytes, Phase::Attend, last);
    }
    endTile(tile);
  }
  endOperator();
}

void PublishedBuilder::tileSteps(int32_t row, int64_t comps, int64_t results, int64_t headerComps, bool composite) {
  PimStep step{CommandKind::Header, false, int16_t(headerComps), int16_t(results), 0, row, noOwner, 0};
  program.steps.push_back(step);
  for (int64_t i = 0; i < results; ++i) {
    bool last = i + 1 == results;
    if (composite) {
      program.steps.push_back({CommandKind::CompsReadResult, last, int16_t(comps), 1, 0, row, noOwner, 0});
      continue;
    }
    program.steps.push_back({CommandKind::Comp, false, int16_t(comps), 1, 0, row, noOwner, 0});
    program.steps.push_back({CommandKind::ReadResult, last, 1, 1, 0, row, noOwner, 0});
  }
}

void PublishedBuilder::logitSteps(const Request &request, int64_t chunk, bool composite, int64_t rowBase) {
  int64_t heads = page() / model.headSize, chunks = ceilDivide(model.keyWidth(), page());
  int64_t here = std::min(heads, model.keyHeadsPerDevice() - chunk * heads);
  int64_t comps = ceilDivide(model.headSize, target.pim->macsPerBank);
  int64_t total = comps * here;
  program.steps.push_back({CommandKind::Gwrite, false, 1, 0, 0, 0, noOwner, 0});
  for (int64_t t = 0; t < ceilDivide(request.length, target.memory->banksPerChannel()); ++t)
    tileSteps(keyRow(rowBase + t * chunks + chunk), comps, here, int64_t(std::bit_floor(uint64_t(total))), composite);
}

void PublishedBuilder::attendSteps(const Request &request, bool composite, int64_t rowBase) {
  int64_t chunks = ceilDivide(request.length, page());
  for (int64_t c = 0; c < chunks; ++c) {
    program.steps.push_back({CommandKind::Gwrite, false, 1, 0, 0, 0, noOwner, 0});
    int64_t tokens = std::min(page(), request.length - c * page());
    int64_t comps = ceilDivide(tokens, target.pim->macsPerBank);
    for (int64_t t = 0; t < ceilDivide(model.headSize, target.memory->banksPerChannel()); ++t)
      tileSteps(valueRow(rowBase + t * chunks + c), comps, 1, int64_t(std::bit_ceil(uint64_t(comps))), composite);
  }
}

TaskId PublishedBuilder::pimTask(Tile &tile, const Request &request, Phase phase, int32_t firstStep) {
  TaskId id = task(tile, TaskKind::Pim, pimLoad, phase, 0, false);
  Task &made = program.tasks[size_t(id)];
  made.channel = int16_t(request.channel);
  made.firstStep = firstStep;
  made.steps = int32_t(program.steps.size()) - firstStep;
  if (barrier >= 0)
    program.depend(id, barrier);
  return id;
}

void PublishedBuilder::logit(const std::vector<Request> &requests, bool composite) {
  beginOperator();
  Tile tile;
  beginTile(tile, false);
  int64_t headsPerPage = page() / model.headSize, chunks = ceilDivide(model.keyWidth(), page());
  int64_t rowBase = 0;
  for (const Request &request : requests) {
    std::vector<TaskId> chunkTasks;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      int32_t first = int32_t(program.steps.size());
      for (int64_t pass = 0; pass < model.queriesPerKey(); ++pass)
        logitSteps(request, chunk, composite, rowBase);
      chunkTasks.push_back(pimTask(tile, request, Phase::Logit, first));
    }
    rowBase += chunks * ceilDivide(request.length, target.memory->banksPerChannel());
    for (int64_t head = 0; head < model.headsPerDevice(); ++head) {
      TaskId softmax = task(tile, TaskKind::Vector, pimExecute, Phase::Softmax, softmaxCycles(request.length), false);
      program.depend(softmax, chunkTasks[size_t(head / model.queriesPerKey() / headsPerPage)]);
      store(tile, request.length * elementBytes, Phase::Softmax, softmax, pimStore);
    }
  }
  endTile(tile);
  endOperator();
}

void PublishedBuilder::attend(const std::vector<Request> &requests, bool composite) {
  beginOperator();
  Tile tile;
  beginTile(tile, false);
  int64_t tilesPerChunk = ceilDivide(model.headSize, target.memory->banksPerChannel());
  int64_t rowBase = 0;
  for (const Request &request : requests) {
    for (int64_t head = 0; head < model.headsPerDevice(); ++head) {
      int32_t first = int32_t(program.steps.size());
      attendSteps(request, composite, rowBase);
      TaskId done = pimTask(tile, request, Phase::Attend, first);
      if (request.length <= page())
        continue;
      for (int64_t t = 0; t < tilesPerChunk; ++t) {
        TaskId sum = task(tile, TaskKind::Vector, pimExecute, Phase::Attend,
                          lanes(tilesPerChunk * target.memory->banksPerChannel()), false);
        program.depend(sum, done);
        store(tile, model.headSize * elementBytes, Phase::Attend, sum, pimStore);
      }
    }
    rowBase += tilesPerChunk * ceilDivide(request.length, page());
  }
  endTile(tile);
  endOperator();
}

void PublishedBuilder::pimAttention(const std::vector<Request> &requests, bool composite) {
  logit(requests, composite);
  attend(requests, composite);
}

} // namespace yoke::sim
