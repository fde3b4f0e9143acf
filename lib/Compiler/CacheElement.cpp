//===- CacheElement.cpp - what keys and values are kept as ----------------===//
#include "Compiler/CacheElement.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AttrTypeSubElements.h"

using namespace mlir;
using namespace yoke;

Status yoke::setCacheElement(ModuleOp module, std::string_view element) {
  if (element.empty())
    return {};
  Builder builder(module.getContext());
  FloatType type;
  if (element == "f32")
    type = builder.getF32Type();
  else if (element == "bf16")
    type = builder.getBF16Type();
  else if (element == "f16")
    type = builder.getF16Type();
  else
    return usageError("kv-cache {}: expected f32, bf16, f16", element);

  bool hasCache = false;
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](llm::KVCacheType cache) {
    hasCache = true;
    return llm::KVCacheType::get(cache.getContext(), cache.getLayers(), cache.getHeads(), cache.getHeadDim(), type);
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false, /*replaceTypes=*/true);
  if (!hasCache)
    return usageError("kv-cache {}: the model keeps no keys and values", element);
  return {};
}
