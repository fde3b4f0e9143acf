//===- Codegen.h - LLVM dialect to an object file -------------------------===//
#ifndef YOKE_LIB_COMPILER_CODEGEN_H
#define YOKE_LIB_COMPILER_CODEGEN_H

#include "Compiler/CpuTarget.h"
#include "Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace yoke {

/// Optimises a module of the LLVM dialect and returns the bytes of an ELF relocatable object. Error: Failed.
Result<llvm::SmallVector<char, 0>> compileToObject(mlir::ModuleOp module, const CpuTarget &target);

/// Links an object into a shared object with the LLVM linker. Error: Failed, Resources.
Result<std::string> linkSharedObject(llvm::ArrayRef<char> object);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_CODEGEN_H
