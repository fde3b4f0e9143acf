//===- Translate.cpp - --serialize-commands, --deserialize-commands -------===//
#include "Commands/Commands.h"
#include "Simulator/CommandCodec.h"

#include "Pim/Pim.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace yoke;

static LogicalResult serialize(Operation *op, raw_ostream &output) {
  npu::ProgramOp only;
  LogicalResult result = success();
  op->walk([&](npu::ProgramOp program) {
    if (only)
      result = program.emitOpError("expected one npu.program in the file");
    only = program;
  });
  if (failed(result))
    return failure();
  if (!only)
    return op->emitError("expected an npu.program in the file");
  FailureOr<sim::CommandProgram> program = readCommands(only);
  if (failed(program))
    return failure();
  output << sim::encodeCommands(*program);
  return success();
}

static OwningOpRef<Operation *> deserialize(llvm::SourceMgr &sources, MLIRContext *context) {
  const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(sources.getMainFileID());
  Result<sim::CommandProgram> program =
      sim::decodeCommands({buffer->getBufferStart(), buffer->getBufferSize()}, buffer->getBufferIdentifier().str());
  if (!program) {
    emitError(UnknownLoc::get(context)) << program.error().message;
    return {};
  }
  context->loadDialect<npu::NpuDialect, pim::PimDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  createCommands(builder, UnknownLoc::get(context), *program);
  return OwningOpRef<Operation *>(module.release());
}

void yoke::registerCommandTranslations() {
  auto dialects = [](DialectRegistry &registry) { registry.insert<npu::NpuDialect, pim::PimDialect>(); };
  static TranslateFromMLIRRegistration from(
      "serialize-commands", "Write the npu.program of a module in its binary form", serialize, dialects);
  static TranslateToMLIRRegistration to("deserialize-commands", "Read a binary command program", deserialize, dialects);
}
