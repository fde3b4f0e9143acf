//===- LLMTiling.h - llm ops for upstream's tiling and fusion -------------===//
#ifndef YOKE_DIALECTS_LLM_LLMTILING_H
#define YOKE_DIALECTS_LLM_LLMTILING_H

namespace mlir {
class DialectRegistry;
}

namespace yoke::llm {

/// Attaches TilingInterface and ReifyRankedShapedTypeOpInterface to the ops whose result rows depend on the same rows
/// of their operands: projections by rows and outputs, element-wise ops by rows and columns, norms, rotary and table
/// embeddings by rows.
void registerTilingInterfaceExternalModels(mlir::DialectRegistry &registry);

} // namespace yoke::llm

#endif // YOKE_DIALECTS_LLM_LLMTILING_H
