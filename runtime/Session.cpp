#include "runtime/Session.h"

#include "Package/StepAbi.h"

#include <algorithm>

namespace yoke {
namespace {

template <class T> YokeMemRef1 memref(const T *data, size_t size) {
  void *address = const_cast<void *>(static_cast<const void *>(data));
  return {address, address, 0, static_cast<int64_t>(size), 1};
}

YokeMemRef1 memref(const std::vector<int32_t> &values) { return memref(values.data(), values.size()); }

void waitAtBarrier(void *context) { static_cast<SpinBarrier *>(context)->wait(); }

/// Below this many bytes of weights per thread, meeting at barriers costs more than a further thread saves.
constexpr int64_t weightBytesPerThread = int64_t(1) << 20;

Result<int> chooseThreads(int requested, const Model &model) {
  const int64_t limit = model.manifest.step.maxThreads;
  if (requested < 0 || requested > limit)
    return usageError("threads must be between 1 and {} (the package's limit), found {}", limit, requested);
  return requested ? requested : defaultThreads(model);
}

} // namespace

int defaultThreads(const Model &model) {
  const int64_t worthwhile = static_cast<int64_t>(model.weights.size()) / weightBytesPerThread;
  const int64_t most = std::min<int64_t>(availableCores(), model.manifest.step.maxThreads);
  return static_cast<int>(std::clamp<int64_t>(worthwhile, 1, most));
}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, const SessionOptions &options) {
  const StepDescription &step = model->manifest.step;
  std::unique_ptr<Session> session(new Session);
  int threads = YOKE_TRY(chooseThreads(options.threads, *model));
  session->threads = YOKE_TRY(ThreadTeam::create(threads, options.pinThreads));

  session->arena = YOKE_TRY(AnonymousMemory::allocate(step.arenaSize(threads), "scratch memory"));

  if (step.pageBytes > 0) {
    KvLayout layout{step.pageTokens, step.pageBytes, step.kvLayers};
    int64_t slots = options.kvTokens ? options.kvTokens : model->manifest.maxPositions;
    const int64_t pages = (slots + step.pageTokens - 1) / step.pageTokens;
    session->cache = YOKE_TRY(KvCache::create(std::move(layout), pages + (step.ropeSwitch > 0 ? 1 : 0)));
    if (step.ropeSwitch > 0) {
      session->longMark = session->cache->addSequence();
      YOKE_TRY(session->cache->prepareWrite(session->longMark, 0, 1));
    }
  }
  session->stepDevice = options.device;
  session->sharedModel = std::move(model);
  return session;
}

bool Session::needsLongMark(const StepBatch &batch) const {
  const int64_t from = ropeSwitch();
  return from > 0 && cache && batch.reach() > from &&
         std::ranges::none_of(batch.positions, [&](int32_t position) { return position >= from; });
}

void Session::run(StepBatch &batch, std::span<float> rows, YokeStepFunction code) {
  rowCount += batch.tokenCount();
  const bool marked = needsLongMark(batch);
  if (marked) // a token that nobody sees, at the first position of long texts
    batch.add(batch.addSequence(cache->blockTable(longMark)), {0, static_cast<int32_t>(ropeSwitch()), 0, 1});
  if (stepDevice)
    stepDevice->run(batch, rows.first(static_cast<size_t>(batch.outputCount() * outputColumns())));
  else
    runHere(batch, rows, code ? code : sharedModel->step);
  if (marked)
    batch.removeLast();
}

void Session::runHere(StepBatch &batch, std::span<float> rows, YokeStepFunction step) {
  std::span<const int32_t> table = batch.blockTable();
  std::span<const std::byte> weightBytes = sharedModel->weights;
  struct Arguments {
    YokeMemRef1 weights, arena, kv, tokens, positions, slots, limits, sequences, parents, outputs, blocks;
    int64_t blockStride;
    YokeMemRef1 result;
  };
  const Arguments shared = {
      memref(weightBytes.data(), weightBytes.size()),
      memref(arena.data(), arena.size()),
      cache ? memref(cache->pages().begin(), cache->pages().committedBytes()) : memref<std::byte>(nullptr, 0),
      memref(batch.tokens),
      memref(batch.positions),
      memref(batch.slots),
      memref(batch.limits),
      memref(batch.sequences),
      memref(batch.parents),
      memref(batch.outputs),
      memref(table.data(), table.size()),
      batch.blockStride(),
      memref(rows.data(), batch.outputCount() * outputColumns()),
  };
  ThreadTeam &members = *threads;
  members.run([&](int thread) {
    Arguments a = shared;
    step(&a.weights, &a.arena, &a.kv, &a.tokens, &a.positions, &a.slots, &a.limits, &a.sequences, &a.parents,
         &a.outputs, &a.blocks, a.blockStride, &a.result, thread, members.size(), &members.barrier(), waitAtBarrier);
  });
}

void Session::runLoop(YokeLoopFunction loop, const LoopMemory &memory, void *host, const YokeLoopHooks &hooks) {
  struct Arguments {
    YokeMemRef1 weights, arena, kv, state, blocks, rows, ids, table;
  };
  std::span<const std::byte> weightBytes = sharedModel->weights;
  const Arguments shared = {
      memref(weightBytes.data(), weightBytes.size()),
      memref(arena.data(), arena.size()),
      memref(cache->pages().begin(), cache->pages().committedBytes()),
      memref(memory.state.data(), memory.state.size()),
      memref(memory.blocks.data(), memory.blocks.size()),
      memref(memory.rows.data(), memory.rows.size()),
      memref(memory.ids.data(), memory.ids.size()),
      memref(memory.table.data(), memory.table.size()),
  };
  ThreadTeam &members = *threads;
  struct Member {
    ThreadTeam &team;
    bool observes;
  };
  const YokeBarrier meet = [](void *context) {
    auto &member = *static_cast<Member *>(context);
    member.team.barrier().wait();
    if (member.observes)
      member.team.observeContention();
  };
  members.run([&](int thread) {
    Arguments a = shared;
    Member member{members, thread == 1};
    loop(&a.weights, &a.arena, &a.kv, &a.state, &a.blocks, &a.rows, &a.ids, &a.table, host, &hooks, thread,
         members.size(), &member, meet);
  });
}

} // namespace yoke
