//===- Partition.h - the placement stage ----------------------------------===//
#ifndef YOKE_PASSES_PARTITION_PARTITION_H
#define YOKE_PASSES_PARTITION_PARTITION_H

#include "Place/Place.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Partition/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_PARTITION_PARTITION_H
