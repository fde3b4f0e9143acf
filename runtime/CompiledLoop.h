// Generation by the loop that was compiled into a package.
#pragma once

#include "runtime/Generator.h"

namespace yoke {

/// Runs a request from its first generated token to its end: the host of lib/Package/LoopAbi.h.
class CompiledLoop {
public:
  /// Whether the package has a loop for this request: compiled for its drafter. A model that
  /// rotates long texts differently (Session::ropeSwitch) is left to generate(), as is a session whose steps another
  /// device runs.
  static bool suits(Session &session, const Generation &generation, const Speculation *speculation);

  /// What the loop was compiled for; the package has one. Error: Malformed.
  static Result<DecodeSpec> spec(const Model &model);

  /// `suits`, and the first token has been chosen. `cancelled` and `speculation` may be null.
  CompiledLoop(Session &session, Generation &generation, const std::atomic<bool> *cancelled, Speculation *speculation);

  /// Errors: as generate().
  Status run();

private:
  template <auto Method> static int64_t call(void *host, int64_t argument) {
    return (static_cast<CompiledLoop *>(host)->*Method)(argument);
  }
  int64_t begin(int64_t nodes);
  int64_t draft(int64_t nodes);
  bool goesOn();
  void prepareStep();
  void adoptTree();
  int64_t learn(int64_t best);
  int64_t choose(int64_t node);
  int64_t add(int64_t token);
  int64_t commit(int64_t nodes);
  int64_t drop(int64_t nodes);

  std::span<int32_t> words() { return {reinterpret_cast<int32_t *>(state.data()), state.size() / sizeof(int32_t)}; }
  /// An array of the state.
  std::span<int32_t> array(int which) { return words().subspan(YOKE_LOOP_WORDS + which * capacity, capacity); }
  std::span<float> rowsOf(int64_t nodes) { return std::span(rows).first(nodes * columns); }
  void stepDone();

  Session &session;
  Generation &generation;
  const std::atomic<bool> *cancelled;
  Speculation *speculation;
  const bool greedy;
  const int64_t capacity, best, columns;
  AnonymousMemory state, rowMemory;
  std::span<float> rows;
  std::vector<int32_t> blocks, ids;
  int64_t nodes = 0;    ///< of the tree in this step
  bool ownTree = false; ///< the loop made it
  bool skipNext = false;
  std::optional<std::chrono::steady_clock::time_point> stepStart;
  Status status;
};

} // namespace yoke
