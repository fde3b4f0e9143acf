//===- LLMBytecode.cpp - version of the llm dialect in bytecode -----------===//
#include "LLM/LLM.h"

#include "mlir/Bytecode/BytecodeImplementation.h"

using namespace mlir;
using namespace yoke::llm;

namespace {
/// Raised whenever an op, type or attribute changes its meaning or its properties; older files are upgraded in
/// `upgradeFromVersion`.
struct Version : DialectVersion {
  explicit Version(uint64_t number) : number(number) {}
  static constexpr uint64_t current = 1;
  uint64_t number;
};

struct VersionedBytecode : BytecodeDialectInterface {
  explicit VersionedBytecode(Dialect *dialect) : BytecodeDialectInterface(dialect) {}

  void writeVersion(DialectBytecodeWriter &writer) const final { writer.writeVarInt(Version::current); }

  std::unique_ptr<DialectVersion> readVersion(DialectBytecodeReader &reader) const final {
    uint64_t number = 0;
    if (failed(reader.readVarInt(number)))
      return nullptr;
    if (number == 0 || number > Version::current) {
      reader.emitError() << "llm dialect version " << number << " of the file is not one of 1 to " << Version::current
                         << ", which this program reads";
      return nullptr;
    }
    return std::make_unique<Version>(number);
  }

  LogicalResult upgradeFromVersion(Operation *, const DialectVersion &) const final { return success(); }
};
} // namespace

void LLMDialect::registerBytecode() { addInterfaces<VersionedBytecode>(); }
