//===- ExpertBody.h - the regions of experts that have a kernel -----------===//
#ifndef YOKE_PASSES_LOWERCPU_EXPERTBODY_H
#define YOKE_PASSES_LOWERCPU_EXPERTBODY_H

#include "MoE/MoE.h"

#include <optional>

namespace yoke {

/// A region of two products with element-wise ops between them, second(f(first(x))). With halves, f works on the first
/// and the second half of the first product's columns.
struct ExpertBody {
  llm::LinearOp first, second;
  mlir::Value halves[2];

  bool hasHalves() const { return halves[0] != nullptr; }

  /// Nothing when the region of `experts` is made otherwise.
  static std::optional<ExpertBody> match(moe::ExpertsOp experts);
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_EXPERTBODY_H
