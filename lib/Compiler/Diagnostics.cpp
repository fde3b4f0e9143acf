//===- Diagnostics.cpp - MLIR's diagnostics as one line -------------------===//
#include "Compiler/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace yoke;

FirstError::FirstError(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
          return failure(); // left to the context, which prints it
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error && message.empty()) {
          llvm::raw_string_ostream stream(message);
          if (auto file = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
            stream << file.getFilename().getValue() << ':' << file.getLine() << ':' << file.getColumn() << ": ";
          else if (auto name = diagnostic.getLocation()->findInstanceOf<NameLoc>())
            stream << name.getName().getValue() << ": ";
          stream << diagnostic;
        }
        return success();
      }) {}

Error FirstError::take(ErrorKind kind, std::string otherwise) const {
  return {kind, message.empty() ? std::move(otherwise) : message.substr(0, message.find('\n'))};
}
