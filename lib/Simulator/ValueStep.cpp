#include "Simulator/ValueStep.h"

#include <cmath>

namespace yoke::sim {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
float rounded(float value) { return float(Half(value)); }

std::vector<Half> halves(std::span<const float> values) { return {values.begin(), values.end()}; }

} // namespace

ValueContext::ValueContext(const Target &target, const DecoderWeights &weights, int64_t positions)
    : positions(positions), channel(*target.memory, *target.pim) {
  const ModelShape &shape = weights.shape;
  page = target.memory->rowBytes / int64_t(sizeof(Half));
  access = target.memory->accessBytes / int64_t(sizeof(Half));
  banks = target.memory->banksPerChannel();
  firstRow = target.memory->rows / 2;
  groupHeads = std::clamp<int64_t>(page / shape.headSize, 1, shape.keyHeads);
  groups = ceilDivide(shape.keyHeads, groupHeads);
  keyTiles = ceilDivide(positions, banks);
  chunks = ceilDivide(positions, page);
  featureTiles = ceilDivide(shape.headSize, banks);
  rowsPerLayer = groups * keyTiles + shape.keyHeads * chunks * featureTiles;
  open.assign(size_t(shape.layers), std::vector<Half>(size_t(shape.keyHeads * shape.headSize * access), Half(0)));
}

int64_t ValueContext::rowsUsed() const { return int64_t(open.size()) * rowsPerLayer + 32; }

int32_t ValueContext::keyRow(int64_t layer, int64_t group, int64_t token) const {
  return int32_t(firstRow + layer * rowsPerLayer + group * keyTiles + token / banks);
}

int32_t ValueContext::valueRow(int64_t layer, int64_t keyHead, int64_t token, int64_t feature) const {
  int64_t base = firstRow + layer * rowsPerLayer + groups * keyTiles;
  return int32_t(base + (keyHead * chunks + token / page) * featureTiles + feature / banks);
}

ValueStep::ValueStep(const Target &target, const DecoderWeights &weights, ValueContext &context)
    : target(target), weights(weights), shape(weights.shape), context(context) {}

void ValueStep::taskFinished(TaskId task) {
  if (auto action = actions.find(task); action != actions.end())
    action->second();
}

void ValueStep::commandIssued(int32_t channel, const Command &command, TaskId task) {
  if (channel != 0 || !problem)
    return;
  if (command.kind != CommandKind::Write) {
    problem = context.channel.execute(command, results[task]);
    return;
  }
  auto found = writes.find(task);
  if (found == writes.end())
    return;
  Write &write = found->second;
  if (!std::exchange(write.made, true))
    write.values = write.source();
  int64_t begin = write.written, end = std::min<int64_t>(begin + context.access, int64_t(write.values.size()));
  write.written = end;
  problem = context.channel.write(command, write.firstElement + begin,
                                  std::span(write.values).subspan(size_t(begin), size_t(end - begin)));
}

TaskId ValueStep::add(TaskKind kind, ScheduleEngine engine, Phase phase, int64_t amount, std::vector<TaskId> after,
                      std::function<void()> action) {
  Task task;
  task.kind = kind;
  task.engine = engine;
  task.phase = phase;
  task.amount = amount;
  TaskId id = program.add(task);
  for (TaskId before : after)
    if (before >= 0)
      program.depend(id, before);
  if (action)
    actions[id] = std::move(action);
  return id;
}

TaskId ValueStep::store(int64_t bank, int32_t row, int64_t firstElement, int64_t elements, TaskId after,
                        std::function<std::vector<Half>()> source) {
  TaskId id = add(TaskKind::Store, storeEngine, Phase::Attend, elements * int64_t(sizeof(Half)), {after});
  Task &task = program.tasks[size_t(id)];
  task.channel = 0;
  task.bank = uint8_t(bank);
  task.row = row;
  Write write;
  write.firstElement = firstElement;
  write.source = std::move(source);
  writes[id] = std::move(write);
  return id;
}

TaskId ValueStep::product(const std::vector<float> &matrix, int64_t inner, int64_t outer, const Values &input,
                          Values &result, Phase phase, TaskId after, bool isRounded) {
  const NpuTarget &npu = *target.npu;
  result.assign(size_t(outer), 0);
  TaskId done = add(TaskKind::Join, joinEngine, phase, 0, {});
  for (int64_t column = 0; column < outer; column += npu.arrayColumns) {
    int64_t end = std::min(outer, column + npu.arrayColumns), bytes = inner * (end - column) * npu.elementBytes;
    TaskId load = add(TaskKind::Load, loadEngine, phase, bytes, {});
    program.tasks[size_t(load)].reserve = bytes;
    int64_t rounds = ceilDivide(ceilDivide(inner, npu.arrayRows), npu.arrays);
    TaskId id =
        add(TaskKind::Gemm, arrayEngine, phase, rounds * npu.arrayRows, {load, after}, [=, &matrix, &input, &result] {
          for (int64_t out = column; out < end; ++out) {
            float sum = 0;
            for (int64_t in = 0; in < inner; ++in)
              sum += matrix[size_t(out * inner + in)] * input[size_t(in)];
            result[size_t(out)] = isRounded ? rounded(sum) : sum;
          }
        });
    program.tasks[size_t(id)].latency = npu.arrayRows + npu.arrayColumns;
    program.tasks[size_t(id)].release = bytes;
    program.depend(done, id);
  }
  return done;
}

TaskId ValueStep::norm(const Values &input, const std::vector<float> &scale, Values &result, TaskId after) {
  int64_t cycles = 8 * ceilDivide(shape.width, target.npu->vectorLanes);
  return add(TaskKind::Vector, vectorEngine, Phase::Norm, cycles, {after}, [=, this, &input, &scale, &result] {
    double squares = 0;
    for (float x : input)
      squares += double(x) * double(x);
    float factor = float(1 / std::sqrt(squares / double(input.size()) + weights.epsilon));
    result.resize(input.size());
    for (size_t i = 0; i < input.size(); ++i)
      result[i] = rounded(input[i] * factor * scale[i]);
  });
}

/// Rotary embedding by halves of a head.
TaskId ValueStep::rotate(Values &vector, int64_t heads, TaskId after) {
  int64_t cycles = 3 * ceilDivide(heads * shape.headSize, target.npu->vectorLanes), token = context.position;
  return add(TaskKind::Vector, vectorEngine, Phase::Qkv, cycles, {after}, [=, this, &vector] {
    int64_t half = shape.headSize / 2;
    for (int64_t head = 0; head < heads; ++head)
      for (int64_t i = 0; i < half; ++i) {
        double angle = double(token) * std::pow(weights.ropeTheta, -2.0 * double(i) / double(shape.headSize));
        float &a = vector[size_t(head * shape.headSize + i)], &b = vector[size_t(head * shape.headSize + i + half)];
        float c = float(std::cos(angle)), s = float(std::sin(angle)), x = a, y = b;
        a = rounded(x * c - y * s);
        b = rounded(y * c + x * s);
      }
  });
}

void ValueStep::writeKeyValue(int64_t layer, TaskId ready, std::vector<TaskId> &stored) {
  int64_t token = context.position, size = shape.headSize, slot = token % context.access;
  for (int64_t group = 0; group < context.groups; ++group) {
    int64_t first = group * context.groupHeads, here = std::min(context.groupHeads, shape.keyHeads - first);
    stored.push_back(
        store(token % context.banks, context.keyRow(layer, group, token), 0, here * size, ready,
              [=, this] { return halves(std::span(key).subspan(size_t(first * size), size_t(here * size))); }));
  }
  // The values of this token into the access that is being filled, and that access into the banks.
  TaskId gathered = add(TaskKind::Join, joinEngine, Phase::Attend, 0, {ready}, [=, this] {
    std::vector<Half> &open = context.open[size_t(layer)];
    if (slot == 0)
      std::fill(open.begin(), open.end(), Half(0));
    for (int64_t i = 0; i < shape.keyHeads * size; ++i)
      open[size_t(i * context.access + slot)] = Half(value[size_t(i)]);
  });
  for (int64_t i = 0; i < shape.keyHeads * size; ++i) {
    int32_t row = context.valueRow(layer, i / size, token, i % size);
    stored.push_back(
        store(i % size % context.banks, row, token % context.page - slot, context.access, gathered, [=, this] {
          const std::vector<Half> &open = context.open[size_t(layer)];
          return std::vector<Half>(open.begin() + i * context.access, open.begin() + (i + 1) * context.access);
        }));
  }
}

PimStep ValueStep::gwrite(TaskId &after, int64_t elements, std::function<std::vector<Half>()> source) {
  int64_t number = context.vectors++;
  int64_t bank = number % context.banks, row = target.memory->rows - 1 - number / context.banks % 16;
  after = store(bank, int32_t(row), 0, elements, after, std::move(source));
  PimStep step{CommandKind::Gwrite, false, 1, 0, uint8_t(bank), int32_t(row), noOwner, 0};
  return step;
}

void ValueStep::tile(int32_t row, int64_t column, int64_t comps, int64_t count) {
  program.steps.push_back({CommandKind::Header, false, int16_t(comps * count), int16_t(count), 0, row, noOwner, 0});
  for (int64_t i = 0; i < count; ++i) {
    PimStep step{CommandKind::CompsReadResult, i + 1 == count, int16_t(comps), 1, 0, row, noOwner, 0};
    step.column = int16_t(column + i * comps);
    program.steps.push_back(step);
  }
}

TaskId ValueStep::pim(Phase phase, int32_t firstStep, std::vector<TaskId> after) {
  TaskId id = add(TaskKind::Pim, pimEngine, phase, 0, std::move(after));
  Task &task = program.tasks[size_t(id)];
  task.channel = 0;
  task.firstStep = firstStep;
  task.steps = int32_t(program.steps.size()) - firstStep;
  return id;
}

/// The `pass`-th query of every key head of a group.
TaskId ValueStep::attend(int64_t layer, int64_t group, int64_t pass, TaskId ready, const std::vector<TaskId> &stored) {
  int64_t size = shape.headSize, passes = shape.heads / shape.keyHeads, tokens = context.position + 1;
  int64_t first = group * context.groupHeads, here = std::min(context.groupHeads, shape.keyHeads - first);
  TaskId written = ready;
  PimStep vector = gwrite(written, here * size, [=, this] {
    std::vector<Half> values;
    for (int64_t head = 0; head < here; ++head)
      for (int64_t i = 0; i < size; ++i)
        values.push_back(Half(query[size_t(((first + head) * passes + pass) * size + i)]));
    return values;
  });
  int32_t begin = int32_t(program.steps.size());
  program.steps.push_back(vector);
  for (int64_t t = 0; t < tokens; t += context.banks)
    tile(context.keyRow(layer, group, t), 0, size / target.pim->macsPerBank, here);
  std::vector<TaskId> after = stored;
  after.push_back(written);
  TaskId logits = pim(Phase::Logit, begin, after);
  TaskId done = add(TaskKind::Join, joinEngine, Phase::Attend, 0, {});
  for (int64_t head = 0; head < here; ++head)
    program.depend(done, attendHead(layer, first + head, pass, logits, head));
  return done;
}

TaskId ValueStep::attendHead(int64_t layer, int64_t keyHead, int64_t pass, TaskId logits, int64_t indexInGroup) {
  int64_t size = shape.headSize, passes = shape.heads / shape.keyHeads, tokens = context.position + 1;
  int64_t first = keyHead / context.groupHeads * context.groupHeads;
  int64_t here = std::min(context.groupHeads, shape.keyHeads - first), head = keyHead * passes + pass;
  int64_t cycles = 6 * ceilDivide(tokens, target.npu->vectorLanes);
  Values &chances = probabilities[{layer, head}];
  TaskId softmax = add(TaskKind::Vector, vectorEngine, Phase::Softmax, cycles, {logits}, [=, this, &chances] {
    const std::vector<Half> &scores = results[logits]; // [tile][head of the group][bank]
    float scale = 1 / std::sqrt(float(size)), largest = -INFINITY, sum = 0;
    chances.assign(size_t(tokens), 0);
    for (int64_t t = 0; t < tokens; ++t) {
      int64_t at = (t / context.banks * here + indexInGroup) * context.banks + t % context.banks;
      chances[size_t(t)] = float(scores[size_t(at)]) * scale;
      largest = std::max(largest, chances[size_t(t)]);
    }
    for (float &chance : chances)
      sum += chance = std::exp(chance - largest);
    for (float &chance : chances)
      chance = rounded(chance / sum);
  });
  std::vector<TaskId> written;
  int32_t begin = int32_t(program.steps.size());
  for (int64_t t = 0; t < tokens; t += context.page) {
    int64_t count = std::min(context.page, tokens - t), padded = ceilDivide(count, context.access) * context.access;
    TaskId vectorWritten = softmax;
    program.steps.push_back(gwrite(vectorWritten, padded, [=, &chances] {
      std::vector<Half> values = halves(std::span(chances).subspan(size_t(t), size_t(count)));
      values.resize(size_t(padded), Half(0));
      return values;
    }));
    written.push_back(vectorWritten);
    for (int64_t feature = 0; feature < size; feature += context.banks)
      tile(context.valueRow(layer, keyHead, t, feature), 0, ceilDivide(count, target.pim->macsPerBank), 1);
  }
  TaskId weighted = pim(Phase::Attend, begin, written);
  return add(TaskKind::Vector, vectorEngine, Phase::Attend, ceilDivide(size, target.npu->vectorLanes), {weighted},
             [=, this] {
               const std::vector<Half> &sums = results[weighted]; // [chunk][tile][bank]
               for (int64_t feature = 0; feature < size; ++feature) {
                 float sum = 0;
                 for (int64_t chunk = 0; chunk * context.page < tokens; ++chunk)
                   sum += float(sums[size_t((chunk * context.featureTiles + feature / context.banks) * context.banks +
                                            feature % context.banks)]);
                 attended[size_t(head * size + feature)] = rounded(sum);
               }
             });
}

TaskId ValueStep::layer(int64_t index, TaskId after) {
  const DecoderLayerWeights &layer = weights.layers[size_t(index)];
  int64_t width = shape.width, queries = shape.heads * shape.headSize, keys = shape.keyHeads * shape.headSize;
  TaskId ready = norm(hidden, layer.attentionNorm, normed, after);
  TaskId queryReady =
      rotate(query, shape.heads, product(layer.query, width, queries, normed, query, Phase::Qkv, ready));
  TaskId keyReady = rotate(key, shape.keyHeads, product(layer.key, width, keys, normed, key, Phase::Qkv, ready));
  TaskId valueReady = product(layer.value, width, keys, normed, value, Phase::Qkv, ready);
  TaskId both = add(TaskKind::Join, joinEngine, Phase::Qkv, 0, {keyReady, valueReady, queryReady},
                    [=, this] { attended.assign(size_t(queries), 0); });
  std::vector<TaskId> stored;
  writeKeyValue(index, both, stored);
  TaskId heads = add(TaskKind::Join, joinEngine, Phase::Attend, 0, {});
  for (int64_t group = 0; group < context.groups; ++group)
    for (int64_t pass = 0; pass < shape.heads / shape.keyHeads; ++pass)
      program.depend(heads, attend(index, group, pass, both, stored));
  auto addHidden = [this] {
    for (size_t i = 0; i < hidden.size(); ++i)
      hidden[i] = rounded(hidden[i] + summed[i]);
  };
  int64_t lanes = ceilDivide(width, target.npu->vectorLanes),
          hiddenLanes = ceilDivide(shape.hidden, target.npu->vectorLanes);
  TaskId projected = product(layer.projection, queries, width, attended, summed, Phase::Projection, heads);
  TaskId residual = add(TaskKind::Vector, vectorEngine, Phase::Residual, lanes, {projected}, addHidden);
  TaskId again = norm(hidden, layer.feedForwardNorm, normed, residual);
  TaskId gated = product(layer.gate, width, shape.hidden, normed, gate, Phase::FeedForward, again);
  TaskId upper = product(layer.up, width, shape.hidden, normed, up, Phase::FeedForward, again);
  TaskId activated = add(TaskKind::Vector, vectorEngine, Phase::FeedForward, 2 * hiddenLanes, {gated, upper}, [this] {
    for (size_t i = 0; i < gate.size(); ++i)
      gate[i] = rounded(gate[i] / (1 + std::exp(-gate[i])) * up[i]);
  });
  TaskId down = product(layer.down, shape.hidden, width, gate, summed, Phase::FeedForward, activated);
  return add(TaskKind::Vector, vectorEngine, Phase::Residual, lanes, {down}, addHidden);
}

Program ValueStep::build(int32_t token) {
  auto row = weights.embedding.begin() + token * shape.width;
  hidden.assign(row, row + shape.width);
  for (float &x : hidden)
    x = rounded(x);
  TaskId last = add(TaskKind::Load, loadEngine, Phase::Other, shape.width * 2, {});
  for (int64_t index = 0; index < shape.layers; ++index)
    last = layer(index, last);
  last = norm(hidden, weights.finalNorm, normed, last);
  const std::vector<float> &head = weights.head.empty() ? weights.embedding : weights.head;
  product(head, shape.width, shape.vocabulary, normed, output, Phase::Head, last, false);
  return std::move(program);
}

} // namespace yoke::sim
