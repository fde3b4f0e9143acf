//===- LLMDecompose.h - llm ops as destination-style linalg ---------------===//
#ifndef YOKE_DIALECTS_LLM_LLMDECOMPOSE_H
#define YOKE_DIALECTS_LLM_LLMDECOMPOSE_H

namespace mlir {
class DialectRegistry;
}

namespace yoke::llm {

/// Attaches linalg's AggregatedOpInterface: `decomposeOperation` gives the op as linalg in destination style, which
/// upstream bufferizes, tiles and vectorises. Elements are computed and summed in float32; results of type bf16 or f16
/// are rounded once.
///
/// `llm.linear` with a quantised weight fails to decompose. An id outside the table, which `llm.embedding` leaves
/// undefined, reads out of bounds.
void registerDecomposeInterfaceExternalModels(mlir::DialectRegistry &registry);

} // namespace yoke::llm

#endif // YOKE_DIALECTS_LLM_LLMDECOMPOSE_H
