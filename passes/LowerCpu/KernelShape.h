//===- KernelShape.h - register blocking by instruction set ---------------===//
#ifndef YOKE_PASSES_LOWERCPU_KERNELSHAPE_H
#define YOKE_PASSES_LOWERCPU_KERNELSHAPE_H

#include "Tuning/KernelChoice.h"

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace yoke {

/// How kernels use the vector registers of an instruction set.
struct KernelShape {
  /// float32 elements of a vector register.
  int64_t lanes;
  /// Rows of activations multiplied at once.
  int64_t rowBlock;
  /// Independent partial sums of one output; they hide the latency of the multiply-add when there is one row.
  int64_t chains;
  /// Vectors of scores or values that attention keeps in registers.
  int64_t attentionVectors;

  /// What `llm.tuning` of a fused region says, see KernelChoice.
  int64_t unroll = 1;
  int64_t prefetchBytes = 0;
  int64_t dealtPanels = 0;
  int64_t panelsTogether = 1;

  /// The target multiplies bytes in fours (VNNI), and bfloat16 in pairs.
  bool byteDots = false;
  bool bf16Dots = false;

  /// Output rows of a weight panel.
  static constexpr int64_t panel = 32;
  /// Tokens of a KV page.
  static constexpr int64_t pageTokens = 32;

  int64_t panelVectors() const { return panel / lanes; }

  /// The shape for "x86-64-v3" or "x86-64-v4", with "+avx512vnni" or "+avx512bf16" behind it for what that level does
  /// not imply; nothing for other names.
  static std::optional<KernelShape> forLevel(llvm::StringRef level);

  /// The shape with what `choice` changes.
  KernelShape with(const KernelChoice &choice) const;
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_KERNELSHAPE_H
