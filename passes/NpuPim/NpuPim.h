//===- NpuPim.h - from placed steps to commands ---------------------------===//
#ifndef YOKE_PASSES_NPUPIM_NPUPIM_H
#define YOKE_PASSES_NPUPIM_NPUPIM_H

#include "Pim/Pim.h"
#include "Place/Place.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "NpuPim/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_NPUPIM_NPUPIM_H
