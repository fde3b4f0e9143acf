//===- AttentionTasks.cpp - attention over keys and values in the banks ---===//
#include "SimulatedDevice/StepWalk.h"

using namespace mlir;
using namespace yoke;
using sim::TaskId;

Result<sim::CacheQuery> StepWalk::queryOf(llm::AttentionOp op, int64_t token) const {
  int32_t sequence = batch.sequences[token];
  const std::vector<int32_t> &positions = state.positions.at(sequence);
  std::vector<bool> written(positions.size());
  for (int64_t other = 0; other < batch.size(); ++other)
    if (batch.sequences[other] == sequence)
      written[batch.slots[other]] = true;
  for (int64_t other = token; other >= 0; other = batch.parents[other])
    written[batch.slots[other]] = false; // itself and its ancestors are seen
  auto window = static_cast<int64_t>(op.getWindow().value_or(0));
  sim::CacheQuery query{token, {}};
  for (int32_t slot = 0; slot < batch.limits[token]; ++slot) {
    if (static_cast<size_t>(slot) >= positions.size() || positions[slot] < 0)
      return errorAt(
          ErrorKind::Usage, op.getOperation(),
          fmt::format("token {} sees slot {} of sequence {}, which was never written", token, slot, sequence));
    if (!written[slot] && (window == 0 || positions[slot] > batch.positions[token] - window))
      query.visible.push_back(slot);
  }
  return query;
}

Status StepWalk::attention(llm::AttentionOp op) {
  if (!op.getCache())
    return errorAt(ErrorKind::Failed, op, "attention without a cache (encoders) is not simulated with values");
  auto layer = static_cast<int64_t>(op.getLayer());
  auto cache = state.caches.find(layer);
  if (cache == state.caches.end()) {
    sim::AttentionShape shape{static_cast<int64_t>(op.getHeads()), static_cast<int64_t>(op.getKvHeads()),
                              static_cast<int64_t>(op.getHeadDim()), op.getScale().convertToFloat(),
                              op.getSoftcap() ? op.getSoftcap()->convertToFloat() : 0};
    cache = state.caches.try_emplace(layer, state.values, shape).first;
  }
  const Handle query = handle(op.getQ()), key = handle(op.getK()), value = handle(op.getV());
  auto result = std::make_shared<Matrix>(query.rows, query.cols);
  auto rowsOf = [](const Handle &source) {
    return [value = source.value](int64_t row) {
      const Matrix &matrix = matrixOf(value);
      return std::span<const float>(matrix.row(row), static_cast<size_t>(matrix.cols));
    };
  };
  sim::TokenRows rows{rowsOf(query), rowsOf(key), rowsOf(value), [result](int64_t row) {
                        return std::span<float>(result->row(row), static_cast<size_t>(result->cols));
                      }};
  TaskId ready = program.join({readyOf(query), readyOf(key), readyOf(value)}), done = program.join();
  std::map<int32_t, std::vector<int64_t>> tokensOf;
  for (int64_t token = 0; token < batch.size(); ++token)
    tokensOf[batch.sequences[token]].push_back(token);
  bool inBanks = onPim && cache->second.fitsPim();
  for (const auto &[sequence, tokens] : tokensOf) {
    std::vector<int32_t> slots;
    for (int64_t token : tokens)
      slots.push_back(batch.slots[token]);
    TaskId written = YOKE_TRY(cache->second.append(program, sequence, slots, tokens, rows, ready));
    std::vector<sim::CacheQuery> queries;
    for (int64_t token : tokens)
      queries.push_back(YOKE_TRY(queryOf(op, token)));
    if (inBanks) {
      for (const sim::CacheQuery &each : queries)
        program.depend(done, cache->second.attendInBanks(program, sequence, each, rows, written));
      continue;
    }
    for (const sim::CacheQuery &each : queries)
      state.flops += 4.0 * static_cast<double>(each.visible.size()) * static_cast<double>(query.cols);
    program.depend(done, cache->second.attendOnArrays(program, sequence, std::move(queries), rows, written));
  }
  ++(inBanks ? state.work.bankAttentions : state.work.arrayAttentions);
  define(op.getResult(), made(result, done));
  define(op.getNewCache(), handle(op.getCache()));
  return {};
}
