//===- WeightPacker.h - checkpoint tensors to packed weights --------------===//
#ifndef YOKE_LIB_COMPILER_WEIGHTPACKER_H
#define YOKE_LIB_COMPILER_WEIGHTPACKER_H

#include "Checkpoint/Checkpoint.h"
#include "LLM/LLM.h"
#include "Support/Error.h"

#include <span>

namespace yoke {

/// A weight on its way into the package.
struct PackedWeight {
  std::string name;
  mlir::RankedTensorType type; ///< [rows, inputs], [rows] or [experts, rows, inputs], with the element type to store;
                               ///< vectors are stored as float32
  llm::WeightAttr source;
  llm::LayoutAttr layout;
};

/// Writes the bytes of `weight` (see WeightLayout.h for how many) to `target`, which starts zeroed. A panel at a time:
/// memory use does not grow with the weight. Errors: Malformed when a piece names no tensor of the checkpoint or rows
/// that it has not.
Status packWeight(const Checkpoint &checkpoint, const PackedWeight &weight, std::span<std::byte> target);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_WEIGHTPACKER_H
