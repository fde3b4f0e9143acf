#include "runtime/Session.h"

#include "runtime/StepArguments.h"

#include <algorithm>

namespace yoke {
namespace {

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
  const int64_t needed = resultFloats(batch.outputCount(), batch.tokenCount());
  std::span<float> result = rows;
  if (static_cast<int64_t>(rows.size()) < needed) { // the caller has no use for features, or marked
    ownResult.resize(std::max<size_t>(ownResult.size(), needed));
    result = ownResult;
  }
  struct Arguments : BatchArguments {
    YokeMemRef1 weights, arena, kv, result;
  };
  const Arguments shared = {
      BatchArguments(batch),
      memref(sharedModel->weights),
      memref(std::span<const std::byte>(arena.data(), arena.size())),
      cache ? memref(std::span<const std::byte>(cache->pages().begin(), cache->pages().committedBytes()))
            : memref(std::span<const std::byte>()),
      memref(std::span<const float>(result.first(needed))),
  };
  ThreadTeam &members = *threads;
  members.run([&](int thread) {
    Arguments a = shared;
    step(&a.weights, &a.arena, &a.kv, &a.tokens, &a.positions, &a.slots, &a.limits, &a.sequences, &a.parents,
         &a.outputs, &a.blocks, a.blockStride, &a.result, thread, members.size(), &members.barrier(), waitAtBarrier);
  });
  if (result.data() != rows.data())
    std::copy_n(result.begin(), std::min<int64_t>(static_cast<int64_t>(rows.size()), needed), rows.begin());
}

void Session::runLoop(YokeLoopFunction loop, const LoopMemory &memory, void *host, const YokeLoopHooks &hooks) {
  struct Arguments {
    YokeMemRef1 weights, arena, kv, state, blocks, rows, ids, table;
  };
  const Arguments shared = {
      memref(sharedModel->weights),
      memref(std::span<const std::byte>(arena.data(), arena.size())),
      memref(std::span<const std::byte>(cache->pages().begin(), cache->pages().committedBytes())),
      memref(memory.state),
      memref(memory.blocks),
      memref(memory.rows),
      memref(memory.ids),
      memref(memory.table),
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
