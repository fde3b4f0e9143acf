//===- BufferPlan.cpp - places buffers of known lifetime in one arena -----===//
#include "LowerCpu/BufferPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace yoke;

int64_t yoke::planBuffers(llvm::MutableArrayRef<PlannedBuffer> buffers) {
  constexpr int64_t alignment = 64;
  llvm::SmallVector<PlannedBuffer *> bySize;
  for (PlannedBuffer &buffer : buffers)
    bySize.push_back(&buffer);
  llvm::sort(bySize, [](auto *a, auto *b) { return std::pair(-a->bytes, a) < std::pair(-b->bytes, b); });

  llvm::SmallVector<PlannedBuffer *> placed; // by offset
  int64_t size = 0;
  for (PlannedBuffer *buffer : bySize) {
    int64_t offset = 0;
    for (PlannedBuffer *other : placed) {
      if (other->last < buffer->first || buffer->last < other->first)
        continue;
      if (offset + buffer->bytes <= other->offset)
        break;
      offset = std::max<int64_t>(offset, llvm::alignTo(other->offset + other->bytes, alignment));
    }
    buffer->offset = offset;
    size = std::max(size, offset + buffer->bytes);
    placed.insert(llvm::lower_bound(placed, buffer, [](auto *a, auto *b) { return a->offset < b->offset; }), buffer);
  }
  return llvm::alignTo(size, alignment);
}
