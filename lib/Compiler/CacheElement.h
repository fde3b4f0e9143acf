//===- CacheElement.h - what keys and values are kept as ------------------===//
#ifndef YOKE_LIB_COMPILER_CACHEELEMENT_H
#define YOKE_LIB_COMPILER_CACHEELEMENT_H

#include "Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <string_view>

namespace yoke {

/// Gives every `!llm.kv_cache` of the program the element type `element`: "f32", "bf16" or "f16"; empty leaves it as it
/// is. Error: Usage for another name, and for a program without a cache.
Status setCacheElement(mlir::ModuleOp module, std::string_view element);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_CACHEELEMENT_H
