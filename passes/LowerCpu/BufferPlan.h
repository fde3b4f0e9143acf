//===- BufferPlan.h - places buffers of known lifetime in one arena -------===//
#ifndef YOKE_PASSES_LOWERCPU_BUFFERPLAN_H
#define YOKE_PASSES_LOWERCPU_BUFFERPLAN_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace yoke {

/// A buffer that lives from step `first` to step `last`, both included.
struct PlannedBuffer {
  int64_t bytes;
  int64_t first;
  int64_t last;
  int64_t offset = 0;
};

/// Gives each buffer an offset, a multiple of 64, so that buffers which live at one time do not overlap: the largest
/// first, each at the lowest place that is free for all its life. Returns the size of the arena in bytes.
int64_t planBuffers(llvm::MutableArrayRef<PlannedBuffer> buffers);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_BUFFERPLAN_H
