//===- Diagnostics.cpp - MLIR's diagnostics as one line -------------------===//
#include "Compiler/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace yoke;

static std::string textOf(Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto file = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    stream << file.getFilename().getValue() << ':' << file.getLine() << ':' << file.getColumn() << ": ";
  else if (auto name = diagnostic.getLocation()->findInstanceOf<NameLoc>())
    stream << name.getName().getValue() << ": ";
  stream << diagnostic;
  return text;
}

FirstError::FirstError(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
          llvm::errs() << "remark: " << textOf(diagnostic) << '\n';
        else if (diagnostic.getSeverity() == DiagnosticSeverity::Error && message.empty())
          message = textOf(diagnostic);
        return success();
      }) {}

Error FirstError::take(ErrorKind kind, std::string otherwise) const {
  return {kind, message.empty() ? std::move(otherwise) : message.substr(0, message.find('\n'))};
}
