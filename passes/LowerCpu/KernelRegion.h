//===- KernelRegion.h - regions that a kernel can compute -----------------===//
#ifndef YOKE_PASSES_LOWERCPU_KERNELREGION_H
#define YOKE_PASSES_LOWERCPU_KERNELREGION_H

#include "LLM/LLM.h"

namespace yoke {

/// True for a region as yoke-form-kernels makes them, whoever wrote it: one projection, attention, norm or other op
/// with what its kernel takes in around it, or element-wise ops alone. Regions with ops of other dialects are left to
/// their emitters.
bool isKernelRegion(llm::FusedOp fused);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_KERNELREGION_H
