#include "Simulator/BankedCache.h"

#include "Simulator/Half.h"

namespace yoke::sim {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

BankedCache::BankedCache(DeviceValues &values, const AttentionShape &shape) : values(values), shape(shape) {
  stride = ceilDivide(shape.headSize, values.lanes) * values.lanes;
  groupHeads = std::clamp<int64_t>(values.page / stride, 1, shape.keyHeads);
  groups = ceilDivide(shape.keyHeads, groupHeads);
  featureTiles = ceilDivide(shape.headSize, values.banks);
}

Status BankedCache::reserve(Sequence &sequence, int64_t slots) {
  int64_t rowsOfKeys = groups * ceilDivide(stride, values.page);
  while (int64_t(sequence.keyRows.size()) * values.banks < slots)
    sequence.keyRows.push_back(YOKE_TRY(values.takeRows(sequence.channel, rowsOfKeys)));
  while (int64_t(sequence.valueRows.size()) * values.page < slots)
    sequence.valueRows.push_back(YOKE_TRY(values.takeRows(sequence.channel, shape.keyHeads * featureTiles)));
  return {};
}

BankRow BankedCache::keyPlace(const Sequence &sequence, int64_t group, int64_t slot) const {
  int64_t row = sequence.keyRows[size_t(slot / values.banks)] + group * ceilDivide(stride, values.page);
  return {int16_t(sequence.channel), uint8_t(slot % values.banks), int32_t(row)};
}

BankRow BankedCache::valuePlace(const Sequence &sequence, int64_t head, int64_t slot, int64_t feature) const {
  int64_t row = sequence.valueRows[size_t(slot / values.page)] + head * featureTiles + feature / values.banks;
  return {int16_t(sequence.channel), uint8_t(feature % values.banks), int32_t(row)};
}

float BankedCache::key(const Sequence &sequence, int64_t head, int64_t slot, int64_t feature) const {
  BankRow place = keyPlace(sequence, head / groupHeads, slot);
  int64_t element = head % groupHeads * stride + feature;
  return values.channel(place.channel)
      .element(place.bank, int32_t(place.row + element / values.page), element % values.page);
}

float BankedCache::value(const Sequence &sequence, int64_t head, int64_t slot, int64_t feature) const {
  BankRow place = valuePlace(sequence, head, slot, feature);
  return values.channel(place.channel).element(place.bank, place.row, slot % values.page);
}

Result<TaskId> BankedCache::append(ValueProgram &program, int64_t number, const std::vector<int32_t> &slots,
                                   const std::vector<int64_t> &tokens, const TokenRows &rows, TaskId after) {
  auto [found, isNew] = sequences.try_emplace(number, Sequence{});
  Sequence &sequence = found->second;
  if (isNew)
    sequence.channel = values.emptiestChannel();
  YOKE_TRY(reserve(sequence, *std::max_element(slots.begin(), slots.end()) + 1));
  TaskId done = program.join();
  for (size_t i = 0; i < slots.size(); ++i)
    for (int64_t group = 0; group < groups; ++group) {
      int64_t first = group * groupHeads, here = headsOf(group), token = tokens[i];
      auto source = [=, this] {
        std::vector<float> elements(size_t(here * stride), 0);
        for (int64_t head = 0; head < here; ++head)
          std::copy_n(rows.key(token).begin() + (first + head) * shape.headSize, shape.headSize,
                      elements.begin() + head * stride);
        return elements;
      };
      for (int64_t from = 0; from < here * stride; from += values.page) { // long heads take several rows
        int64_t count = std::min(values.page, here * stride - from);
        BankRow place = keyPlace(sequence, group, slots[i]);
        place.row += int32_t(from / values.page);
        program.depend(done, program.write(place, 0, count, Phase::Attend, after, [=] {
          std::vector<float> whole = source();
          return std::vector<float>(whole.begin() + from, whole.begin() + from + count);
        }));
      }
    }
  writeValues(program, sequence, slots, tokens, rows, after, done);
  return done;
}

void BankedCache::writeValues(ValueProgram &program, const Sequence &sequence, const std::vector<int32_t> &slots,
                              const std::vector<int64_t> &tokens, const TokenRows &rows, TaskId after, TaskId done) {
  std::map<int64_t, std::vector<std::pair<int32_t, int64_t>>> accesses; ///< (slot, token) by access
  for (size_t i = 0; i < slots.size(); ++i)
    accesses[slots[i] / values.access].emplace_back(slots[i], tokens[i]);
  for (auto &[access, fresh] : accesses)
    for (int64_t head = 0; head < shape.keyHeads; ++head)
      for (int64_t feature = 0; feature < shape.headSize; ++feature) {
        int64_t begin = access * values.access, column = head * shape.headSize + feature;
        BankRow place = valuePlace(sequence, head, begin, feature);
        auto source = [=, this, fresh = fresh] {
          std::vector<float> elements;
          for (int64_t slot = begin; slot < begin + values.access; ++slot)
            elements.push_back(values.channel(place.channel).element(place.bank, place.row, slot % values.page));
          for (auto [slot, token] : fresh)
            elements[size_t(slot - begin)] = rows.value(token)[size_t(column)];
          return elements;
        };
        program.depend(
            done, program.write(place, begin % values.page, values.access, Phase::Attend, after, std::move(source)));
      }
}

/// One query head.
struct BankedCache::Head {
  int64_t query, key;      ///< numbers of the heads
  int64_t inGroup, shares; ///< place among the key heads that share a row, and how many those are
  int64_t firstTile;
};

TaskId BankedCache::attendInBanks(ValueProgram &program, int64_t number, const CacheQuery &query, const TokenRows &rows,
                                  TaskId after) {
  const Sequence &sequence = sequences.at(number);
  int64_t passes = shape.heads / shape.keyHeads;
  int64_t firstTile = query.visible.front() / values.banks, lastTile = query.visible.back() / values.banks;
  TaskId done = program.join();
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t pass = 0; pass < passes; ++pass) {
      int64_t first = group * groupHeads, here = headsOf(group), row = query.row;
      int64_t width = ceilDivide(here * stride, values.access) * values.access;
      auto vector = program.vector(sequence.channel, width, Phase::Logit, after, [=, this] {
        std::vector<float> elements(size_t(width), 0);
        std::span<const float> whole = rows.query(row);
        for (int64_t head = 0; head < here; ++head)
          for (int64_t i = 0; i < shape.headSize; ++i)
            elements[size_t(head * stride + i)] =
                whole[size_t(((first + head) * passes + pass) * shape.headSize + i)] * shape.scale;
        return elements;
      });
      int32_t begin = program.nextStep();
      program.append(vector.step);
      int64_t comps = stride / values.lanes;
      for (int64_t tile = firstTile; tile <= lastTile; ++tile)
        program.tile(keyPlace(sequence, group, tile * values.banks).row, 0, comps, here, comps);
      TaskId logits = program.pim(sequence.channel, Phase::Logit, begin, vector.written);
      program.reads(vector, logits);
      for (int64_t head = 0; head < here; ++head)
        attendHead(program, sequence, {(first + head) * passes + pass, first + head, head, here, firstTile}, query,
                   rows, logits, done);
    }
  return done;
}

/// Scores of the visible slots become probabilities, in place.
static void softmax(std::vector<float> &scores, float softcap) {
  float largest = -INFINITY, sum = 0;
  for (float &score : scores) {
    if (softcap > 0)
      score = softcap * std::tanh(score / softcap);
    largest = std::max(largest, score);
  }
  for (float &score : scores)
    sum += score = std::exp(score - largest);
  for (float &score : scores)
    score /= sum;
}

void BankedCache::attendHead(ValueProgram &program, const Sequence &sequence, const Head &head, const CacheQuery &query,
                             const TokenRows &rows, TaskId logits, TaskId done) const {
  int64_t visible = int64_t(query.visible.size());
  auto chances = std::make_shared<std::vector<float>>();
  TaskId weighed =
      program.add(TaskKind::Vector, vectorEngine, Phase::Softmax, program.softmaxCycles(visible), {logits});
  auto slots = std::make_shared<const std::vector<int32_t>>(query.visible);
  program.whenDone(weighed, [=, this, &program]() -> Status {
    const std::vector<float> &scores = program.results(logits); // [tile][head of the group][bank]
    for (int32_t slot : *slots)
      chances->push_back(scores[size_t(
          ((slot / values.banks - head.firstTile) * head.shares + head.inGroup) * values.banks + slot % values.banks)]);
    softmax(*chances, shape.softcap);
    return {};
  });
  TaskId written = program.join();
  std::vector<ValueProgram::Vector> vectors;
  int64_t unit = std::max(values.access, values.lanes);
  int64_t firstPage = slots->front() / values.page, lastPage = slots->back() / values.page;
  for (int64_t page = firstPage; page <= lastPage; ++page) {
    int64_t base = page * values.page, until = std::min<int64_t>(values.page, slots->back() + 1 - base);
    int64_t width = ceilDivide(until, unit) * unit;
    vectors.push_back(program.vector(sequence.channel, width, Phase::Attend, weighed, [=] {
      std::vector<float> elements(size_t(width), 0);
      for (size_t i = 0; i < slots->size(); ++i)
        if (int64_t at = (*slots)[i] - base; at >= 0 && at < width)
          elements[size_t(at)] = (*chances)[i];
      return elements;
    }));
    program.depend(written, vectors.back().written);
  }
  int32_t begin = program.nextStep();
  for (int64_t page = firstPage; page <= lastPage; ++page) {
    int64_t base = page * values.page, until = std::min<int64_t>(values.page, slots->back() + 1 - base);
    int64_t from = std::max<int64_t>(0, slots->front() - base) / unit * unit;
    program.append(vectors[size_t(page - firstPage)].step);
    for (int64_t tile = 0; tile < featureTiles; ++tile)
      program.tile(valuePlace(sequence, head.key, base, tile * values.banks).row, from / values.lanes,
                   ceilDivide(until - from, values.lanes), 1, 0);
  }
  TaskId weighted = program.pim(sequence.channel, Phase::Attend, begin, written);
  for (const ValueProgram::Vector &vector : vectors)
    program.reads(vector, weighted);
  TaskId summed = program.add(TaskKind::Vector, vectorEngine, Phase::Attend,
                              (lastPage - firstPage + 1) * program.lanes(shape.headSize), {weighted});
  program.whenDone(summed, [=, this, &program, row = query.row]() -> Status {
    const std::vector<float> &sums = program.results(weighted); // [page][tile][bank]
    std::span<float> result = rows.result(row).subspan(size_t(head.query * shape.headSize), size_t(shape.headSize));
    std::fill(result.begin(), result.end(), 0);
    for (int64_t page = 0; page <= lastPage - firstPage; ++page)
      for (int64_t feature = 0; feature < shape.headSize; ++feature)
        result[size_t(feature)] += sums[size_t(page * featureTiles * values.banks + feature)];
    return {};
  });
  program.depend(done, summed);
}

/// What one token attends to, with operands as the arrays get them and sums in float32.
void BankedCache::attendExactly(const Gathered &cache, const CacheQuery &query, const TokenRows &rows) const {
  int64_t shared = shape.heads / shape.keyHeads, size = shape.headSize, width = shape.keyHeads * size;
  std::span<const float> asked = rows.query(query.row);
  std::span<float> result = rows.result(query.row);
  std::vector<float> scores(query.visible.size()), scaled(static_cast<size_t>(size));
  for (int64_t head = 0; head < shape.heads; ++head) {
    for (int64_t i = 0; i < size; ++i)
      scaled[size_t(i)] = roundToHalf(asked[size_t(head * size + i)] * shape.scale);
    int64_t column = head / shared * size;
    for (size_t s = 0; s < scores.size(); ++s) {
      const float *key = cache.keys.data() + query.visible[s] * width + column;
      scores[s] = 0;
      for (int64_t i = 0; i < size; ++i)
        scores[s] += scaled[size_t(i)] * key[i];
    }
    softmax(scores, shape.softcap);
    float *sums = result.data() + head * size;
    std::fill_n(sums, size, 0.0f);
    for (size_t s = 0; s < scores.size(); ++s) {
      const float *value = cache.values.data() + query.visible[s] * width + column;
      float chance = roundToHalf(scores[s]);
      for (int64_t i = 0; i < size; ++i)
        sums[i] += chance * value[i];
    }
  }
}

BankedCache::Gathered BankedCache::gather(const Sequence &sequence, int64_t begin, int64_t end) const {
  Gathered cache;
  int64_t width = shape.keyHeads * shape.headSize;
  cache.keys.resize(size_t(end * width));
  cache.values.resize(size_t(end * width));
  for (int64_t slot = begin; slot < end; ++slot)
    for (int64_t i = 0; i < width; ++i) {
      cache.keys[size_t(slot * width + i)] = key(sequence, i / shape.headSize, slot, i % shape.headSize);
      cache.values[size_t(slot * width + i)] = value(sequence, i / shape.headSize, slot, i % shape.headSize);
    }
  return cache;
}

TaskId BankedCache::attendOnArrays(ValueProgram &program, int64_t number, std::vector<CacheQuery> queries,
                                   const TokenRows &rows, TaskId after) {
  const Sequence &sequence = sequences.at(number);
  int64_t begin = INT64_MAX, end = 0, count = int64_t(queries.size()), pairs = 0;
  for (const CacheQuery &query : queries) {
    begin = std::min<int64_t>(begin, query.visible.front());
    end = std::max<int64_t>(end, query.visible.back() + 1);
    pairs += int64_t(query.visible.size());
  }
  int64_t length = end - begin, bytes = length * shape.keyHeads * shape.headSize * values.target.npu->elementBytes;
  int64_t busy =
      ceilDivide(shape.keyHeads * program.attentionCycles(length, count, shape.heads / shape.keyHeads, shape.headSize),
                 values.target.npu->arrays);
  TaskId logits = program.product(Phase::Logit, bytes, busy, after);
  TaskId weighed =
      program.vectors(shape.heads * count, program.softmaxCycles(ceilDivide(pairs, count)), Phase::Softmax, logits);
  TaskId done = program.product(Phase::Attend, bytes, busy, weighed);
  program.whenDone(done, [=, this, &sequence, queries = std::move(queries)]() -> Status {
    Gathered cache = gather(sequence, begin, end);
    for (const CacheQuery &query : queries)
      attendExactly(cache, query, rows);
    return {};
  });
  return done;
}

} // namespace yoke::sim
