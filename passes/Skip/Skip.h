//===- Skip.h - feed-forward blocks that rows may skip --------------------===//
#ifndef YOKE_PASSES_SKIP_SKIP_H
#define YOKE_PASSES_SKIP_SKIP_H

#include "LLM/LLM.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Skip/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_SKIP_SKIP_H
