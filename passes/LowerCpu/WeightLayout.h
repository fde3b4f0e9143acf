//===- WeightLayout.h - packed weights as memrefs and bytes ---------------===//
#ifndef YOKE_PASSES_LOWERCPU_WEIGHTLAYOUT_H
#define YOKE_PASSES_LOWERCPU_WEIGHTLAYOUT_H

#include "LLM/LLM.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

namespace yoke {

/// Name of the attribute of a global that holds its `#llm.layout`.
inline constexpr llvm::StringLiteral layoutAttrName = "llm.layout";

/// Where weights start in the package's weight section, and how each is aligned there.
inline constexpr int64_t weightAlignment = 64;

/// The layout of a global that `yoke-pack-weights` has seen.
llm::LayoutAttr getLayout(mlir::ml_program::GlobalOp global);

/// The matrix [rows, inputs] that `weight` is, or that each of its first dimension is when it has three.
mlir::RankedTensorType oneMatrix(mlir::RankedTensorType weight);

/// Panels of a [rows, inputs] matrix.
int64_t panelCount(mlir::RankedTensorType matrix, llm::LayoutAttr layout);

/// How kernels see the packed weight: vectors as [N] float32, row-major tables as [V, D] elements, panels as [panels,
/// inputs / group, panel] where a group of two bfloat16 is one i32, quantised panels as [panels, blocks, bytes]. Of
/// several matrices [experts, rows, inputs] each lies in panels of its own, one after the other.
mlir::MemRefType packedType(mlir::RankedTensorType weight, llm::LayoutAttr layout);

/// Where the parts of a block of a quantised panel lie: 32 inputs of all its rows. In a line of four inputs, row after
/// row, each byte is input 4 * line + i of 8 bits, or of 4 bits inputs 8 * line + i (low half) and 8 * line + 4 + i.
struct QuantBlock {
  explicit QuantBlock(llm::QuantType type);

  static constexpr int64_t inputs = 32;
  static constexpr int64_t quadInputs = 4;
  int64_t bits;
  int64_t lines;      ///< of quads; 4-bit lines hold two quads
  int64_t lineBytes;  ///< four bytes a row
  int64_t scaleBytes; ///< of one row's scale
  int64_t scales;     ///< offset of the scales
  int64_t zeros;      ///< offset of the zero points, stored in the type of the scales
  int64_t bytes;
};

/// True for a quantised type whose groups are whole blocks or reach over all `inputs` of a row.
bool hasPanelLayout(llm::QuantType type, int64_t inputs);

/// Size of the packed weight in bytes.
int64_t packedBytes(mlir::RankedTensorType weight, llm::LayoutAttr layout);

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_WEIGHTLAYOUT_H
