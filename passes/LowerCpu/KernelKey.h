//===- KernelKey.h - when two fused regions share a kernel ----------------===//
#ifndef YOKE_PASSES_LOWERCPU_KERNELKEY_H
#define YOKE_PASSES_LOWERCPU_KERNELKEY_H

#include "LLM/LLM.h"

#include <string>

namespace yoke {

/// Equal for regions of equal ops, attributes and operand types whose memory has equal types. The layer of an attention
/// op does not count: it reaches the kernel as an operand.
std::string kernelKey(llm::FusedOp fused, mlir::TypeRange memoryTypes, int64_t interleave);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_KERNELKEY_H
