//===- Contract.h - what each stage leaves --------------------------------===//
#ifndef YOKE_PASSES_CONTRACT_CONTRACT_H
#define YOKE_PASSES_CONTRACT_CONTRACT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Contract/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_CONTRACT_CONTRACT_H
