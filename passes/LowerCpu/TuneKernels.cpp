//===- TuneKernels.cpp - choices for kernels that were measured -----------===//
#include "LowerCpu/LowerCpu.h"
#include "LowerCpu/Tuning.h"
#include "MoE/MoE.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

namespace yoke {
#define GEN_PASS_DEF_TUNEKERNELSPASS
#include "LowerCpu/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

std::string yoke::tuningKey(llm::FusedOp fused) {
  std::string key = fused.getKernel().str();
  llvm::raw_string_ostream os(key);
  bool multiplies = false;
  auto add = [&](Type weight, std::optional<Type> rounded) {
    multiplies = true;
    auto matrix = cast<RankedTensorType>(weight);
    os << ':';
    llvm::interleave(matrix.getShape(), os, "x");
    os << 'x' << matrix.getElementType();
    if (rounded)
      os << '*' << *rounded;
  };
  for (Operation &op : fused.getBody().front()) {
    if (auto linear = dyn_cast<llm::LinearOp>(op))
      add(linear.getWeight().getType(), linear.getXType());
    else if (auto head = dyn_cast<llm::LmHeadOp>(op))
      add(head.getWeight().getType(), head.getXType());
    else if (auto experts = dyn_cast<moe::ExpertsOp>(op))
      for (Value matrix : experts.getMatrices())
        add(matrix.getType(), std::nullopt);
  }
  return multiplies ? key : "";
}

FailureOr<KernelShape> yoke::tunedShape(const KernelShape &shape, llm::FusedOp fused) {
  Attribute attribute = fused->getAttr(tuningAttrName);
  if (!attribute)
    return shape;
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  if (!dictionary)
    return fused.emitError() << tuningAttrName << ": expected a dictionary, found " << attribute;
  KernelChoice choice;
  size_t known = 0;
  for (const KernelChoice::Parameter &parameter : KernelChoice::parameters()) {
    Attribute entry = dictionary.get(parameter.name);
    if (!entry)
      continue;
    ++known;
    auto value = dyn_cast<IntegerAttr>(entry);
    if (!value || value.getInt() < parameter.least || value.getInt() > parameter.most)
      return fused.emitError() << tuningAttrName << ": expected " << parameter.name << " in [" << parameter.least
                               << ", " << parameter.most << "], found " << entry;
    choice.*parameter.value = value.getInt();
  }
  if (known != dictionary.size())
    return fused.emitError() << tuningAttrName << ": expected rows, unroll, prefetch, dealt or panels, found "
                             << dictionary;
  return shape.with(choice);
}

namespace {
struct TuneKernelsPass : yoke::impl::TuneKernelsPassBase<TuneKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    llvm::StringMap<DictionaryAttr> chosen;
    for (StringRef rest = choices; !rest.empty();) {
      auto [entry, next] = rest.split(';');
      rest = next;
      auto [key, text] = entry.split('@');
      Result<KernelChoice> choice = KernelChoice::parse(text, key);
      if (!choice) {
        getOperation().emitError(choice.error().message);
        return signalPassFailure();
      }
      chosen[key] = attributeOf(*choice);
    }
    if (chosen.empty())
      return markAllAnalysesPreserved();
    getOperation().walk([&](llm::FusedOp fused) {
      std::string key = tuningKey(fused);
      auto found = chosen.find(key);
      if (found == chosen.end())
        found = chosen.find("*");
      if (!key.empty() && found != chosen.end() && !found->second.empty())
        fused->setAttr(tuningAttrName, found->second);
    });
  }

  DictionaryAttr attributeOf(const KernelChoice &choice) {
    Builder builder(&getContext());
    SmallVector<NamedAttribute> entries;
    for (const KernelChoice::Parameter &parameter : KernelChoice::parameters())
      if (int64_t value = choice.*parameter.value; value != KernelChoice().*parameter.value)
        entries.push_back(builder.getNamedAttr(parameter.name, builder.getI64IntegerAttr(value)));
    return builder.getDictionaryAttr(entries);
  }
};
} // namespace
