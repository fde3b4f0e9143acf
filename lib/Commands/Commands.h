//===- Commands.h - command programs as IR --------------------------------===//
#ifndef YOKE_LIB_COMMANDS_COMMANDS_H
#define YOKE_LIB_COMMANDS_COMMANDS_H

#include "Simulator/CommandProgram.h"

#include "mlir/IR/Builders.h"

namespace yoke::npu {
class ProgramOp;
}

namespace yoke {

/// A program in the `npu` and `pim` dialects at the builder's place. Their contexts have the dialects loaded.
npu::ProgramOp createCommands(mlir::OpBuilder &builder, mlir::Location location, const sim::CommandProgram &program);

/// The program of verified IR. Errors are emitted at the op that a program cannot hold.
mlir::FailureOr<sim::CommandProgram> readCommands(npu::ProgramOp program);

/// `yoke-translate --serialize-commands` and `--deserialize-commands`.
void registerCommandTranslations();

} // namespace yoke

#endif // YOKE_LIB_COMMANDS_COMMANDS_H
