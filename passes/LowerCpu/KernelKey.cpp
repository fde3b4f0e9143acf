//===- KernelKey.cpp - when two fused regions share a kernel --------------===//
#include "LowerCpu/KernelKey.h"

#include "LowerCpu/Tuning.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace yoke;

namespace {
/// Writes blocks with numbers for values in the order in which they are met.
class KeyWriter {
public:
  explicit KeyWriter(llvm::raw_ostream &os) : os(os) {}

  void write(Block &block) {
    for (BlockArgument argument : block.getArguments())
      number(argument);
    for (Operation &op : block)
      write(op);
  }

private:
  void write(Operation &op) {
    os << '\n' << op.getName();
    for (NamedAttribute attribute : op.getAttrDictionary())
      if (!isa<llm::AttentionOp>(op) || attribute.getName() != "layer")
        os << ' ' << attribute.getName().getValue() << '=' << attribute.getValue();
    for (Value operand : op.getOperands())
      os << " %" << number(operand);
    for (Value result : op.getResults())
      os << " -> %" << number(result) << ':' << result.getType();
    for (Region &region : op.getRegions())
      for (Block &block : region) {
        os << " {";
        write(block);
        os << " }";
      }
  }

  size_t number(Value value) { return numbers.try_emplace(value, numbers.size()).first->second; }

  llvm::raw_ostream &os;
  llvm::DenseMap<Value, size_t> numbers;
};
} // namespace

std::string yoke::kernelKey(llm::FusedOp fused, TypeRange memoryTypes, int64_t interleave) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << interleave << ' ' << fused->getAttr(tuningAttrName);
  for (Type type : memoryTypes)
    os << ' ' << type;
  KeyWriter(os).write(fused.getBody().front());
  return key;
}
