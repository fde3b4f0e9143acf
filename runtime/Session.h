#pragma once

#include "runtime/KvCache.h"
#include "runtime/Model.h"
#include "runtime/StepBatch.h"
#include "runtime/StepDevice.h"
#include "runtime/ThreadTeam.h"

#include <optional>

namespace yoke {

struct SessionOptions {
  /// 0: one per available core, fewer for small models, at most what the code was compiled for.
  int threads = 0;
  bool pinThreads = false;
  /// KV slots of all sequences together, rounded up to pages; 0: one sequence of the model's max_positions.
  int64_t kvTokens = 0;
  /// Runs the steps instead of the package's code; keys and values are then kept there, not in the cache's pages.
  std::shared_ptr<StepDevice> device = nullptr;
};

/// Threads that suit a model on this machine.
int defaultThreads(const Model &model);

/// What is needed to execute a model: a thread team, scratch memory and a KV cache. One step at a time.
class Session {
public:
  /// Errors: Usage (thread count), Resources.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, const SessionOptions &options);

  /// Runs one step. Writes `batch.outputCount()` rows of output_columns floats to `rows`, in the order in which the
  /// batch asked for them, and, where `rows` has room for resultFloats(), behind them the features of each token. The
  /// batch holds 1 to maxStepTokens() tokens whose slots are writable (KvCache::prepareWrite). With a ropeSwitch(), its
  /// texts are all longer than that or all not, and StepBatch::reachTo says which where no position in the step does.
  /// `code`, where given, runs instead of the package's; it is made for the same weights.
  void run(StepBatch &batch, std::span<float> rows, YokeStepFunction code = nullptr);

  /// The memory of a compiled loop, see LoopAbi.h.
  struct LoopMemory {
    std::span<std::byte> state;
    std::span<int32_t> blocks;
    std::span<float> rows;
    std::span<int32_t> ids, table;
  };
  /// Runs a compiled loop to its end; hooks are called on this thread.
  void runLoop(YokeLoopFunction loop, const LoopMemory &memory, void *host, const YokeLoopHooks &hooks);

  const Model &model() const { return *sharedModel; }
  ThreadTeam &team() { return *threads; }
  int64_t maxStepTokens() const { return sharedModel->manifest.step.maxTokens - (ropeSwitch() > 0 ? 1 : 0); }
  /// LongRoPE: the number of tokens up to which a text is rotated for short texts; keys and values that were computed
  /// before a text grew longer have to be computed anew. 0: there is no such limit.
  int64_t ropeSwitch() const { return sharedModel->manifest.step.ropeSwitch; }
  /// Of the rows that draft heads go on from; 0: the model has none, or a device that gives none runs it.
  int64_t featureColumns() const { return stepDevice ? 0 : sharedModel->manifest.step.featureColumns; }
  /// Floats that a step writes.
  int64_t resultFloats(int64_t outputs, int64_t tokens) const {
    return outputs * outputColumns() + tokens * featureColumns();
  }
  int64_t outputColumns() const { return sharedModel->manifest.step.outputColumns; }
  bool hasKvCache() const { return cache.has_value(); }
  KvCache &kvCache() { return *cache; }
  /// nullptr: the package's code on this machine.
  StepDevice *device() const { return stepDevice.get(); }
  /// Tokens of a step that a compiled loop ran.
  void countRows(int64_t rows) { rowCount += rows; }
  /// Tokens of all steps so far.
  int64_t rowsRun() const { return rowCount; }
  /// The numbers of one of the manifest's records; T is its element type.
  template <class T> std::span<const T> record(const StepRecord &record) const {
    return {reinterpret_cast<const T *>(arena.data() + record.offset), static_cast<size_t>(record.size)};
  }

private:
  Session() = default;
  void runHere(StepBatch &batch, std::span<float> result, YokeStepFunction step);
  bool needsLongMark(const StepBatch &batch) const;

  std::shared_ptr<const Model> sharedModel;
  std::unique_ptr<ThreadTeam> threads;
  AnonymousMemory arena;
  std::vector<float> ownResult;
  std::optional<KvCache> cache;
  std::shared_ptr<StepDevice> stepDevice;
  /// Holds the token by which a step is told that its text is long.
  KvCache::SequenceId longMark = 0;
  int64_t rowCount = 0;
};

} // namespace yoke
