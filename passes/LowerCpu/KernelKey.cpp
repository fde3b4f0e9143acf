//===- KernelKey.cpp - when two fused regions share a kernel --------------===//
#include "LowerCpu/KernelKey.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace yoke;

std::string yoke::kernelKey(llm::FusedOp fused, TypeRange memoryTypes, int64_t interleave) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << interleave;
  for (Type type : memoryTypes)
    os << ' ' << type;
  llvm::DenseMap<Value, size_t> numbers;
  auto number = [&](Value value) { return numbers.try_emplace(value, numbers.size()).first->second; };
  for (Value argument : fused.getBody().getArguments())
    number(argument);
  for (Operation &op : fused.getBody().front()) {
    os << '\n' << op.getName();
    for (NamedAttribute attribute : op.getAttrDictionary())
      if (!isa<llm::AttentionOp>(op) || attribute.getName() != "layer")
        os << ' ' << attribute.getName().getValue() << '=' << attribute.getValue();
    for (Value operand : op.getOperands())
      os << " %" << number(operand);
    for (Value result : op.getResults())
      os << " -> %" << number(result) << ':' << result.getType();
  }
  return key;
}
