//===- StepClass.cpp - how many tokens a step has -------------------------===//
#include "Partition/StepClass.h"

using namespace mlir;
using namespace yoke;

static constexpr llvm::StringLiteral attributeName = "llm.class";
static constexpr int64_t most = 1 << 20;

std::string StepClass::name() const { return std::to_string(sequences) + "x" + std::to_string(tokens); }

std::optional<StepClass> StepClass::parse(StringRef text) {
  auto [sequences, tokens] = text.split('x');
  StepClass result;
  if (sequences.getAsInteger(10, result.sequences) || tokens.getAsInteger(10, result.tokens) || result.sequences < 1 ||
      result.tokens < 1 || result.sequences > most || result.tokens > most)
    return std::nullopt;
  return result;
}

StepClass StepClass::of(func::FuncOp function) {
  auto numbers = function->getAttrOfType<DenseI64ArrayAttr>(attributeName);
  if (!numbers || numbers.size() != 2 || numbers[0] < 1 || numbers[1] < 1)
    return {};
  return {numbers[0], numbers[1]};
}

void StepClass::attachTo(func::FuncOp function) const {
  function->setAttr(attributeName, DenseI64ArrayAttr::get(function.getContext(), {sequences, tokens}));
}
