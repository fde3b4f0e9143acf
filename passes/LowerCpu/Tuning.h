//===- Tuning.h - choices for kernels that were measured ------------------===//
#ifndef YOKE_PASSES_LOWERCPU_TUNING_H
#define YOKE_PASSES_LOWERCPU_TUNING_H

#include "LLM/LLM.h"
#include "LowerCpu/KernelShape.h"

#include <string>

namespace yoke {

/// Name of the attribute of a fused region that holds its choices: a dictionary of KernelChoice's parameters.
inline constexpr llvm::StringLiteral tuningAttrName = "llm.tuning";

/// What a kernel's choices are kept under: its name, and the shapes and types of the matrices that it multiplies with.
/// Empty for kernels that nothing can be chosen for.
std::string tuningKey(llm::FusedOp fused);

/// The shape with the choices of the region's attribute. Fails, with a diagnostic, when the attribute is none of ours.
mlir::FailureOr<KernelShape> tunedShape(const KernelShape &shape, llm::FusedOp fused);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_TUNING_H
