// What calls of compiled functions have in common.
#pragma once

#include "Package/StepAbi.h"
#include "runtime/StepBatch.h"
#include "runtime/ThreadTeam.h"

#include <span>

namespace yoke {

template <class T> YokeMemRef1 memref(std::span<T> values) {
  auto *address = const_cast<void *>(static_cast<const void *>(values.data()));
  return {address, address, 0, static_cast<int64_t>(values.size()), 1};
}

inline void waitAtBarrier(void *context) { static_cast<SpinBarrier *>(context)->wait(); }

/// The arguments that a batch gives.
struct BatchArguments {
  explicit BatchArguments(StepBatch &batch)
      : tokens(ids(batch.tokens)), positions(ids(batch.positions)), slots(ids(batch.slots)), limits(ids(batch.limits)),
        sequences(ids(batch.sequences)), parents(ids(batch.parents)), outputs(ids(batch.outputs)),
        blocks(memref(batch.blockTable())), blockStride(batch.blockStride()) {}

  YokeMemRef1 tokens, positions, slots, limits, sequences, parents, outputs, blocks;
  int64_t blockStride;

private:
  static YokeMemRef1 ids(const std::vector<int32_t> &values) { return memref(std::span<const int32_t>(values)); }
};

} // namespace yoke
