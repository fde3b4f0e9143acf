#pragma once

#include "Support/Error.h"
#include "yoke/compiler.h"

#include <string>

namespace yoke::cli {

/// The compiler, a shared library that is loaded only when something must be compiled.
class CompilerLibrary {
public:
  /// Looks at $YOKE_COMPILER, then beside the program (../lib). Loaded once per process. Error: Failed.
  static Result<const CompilerLibrary *> load();

  Status compile(const yoke_compile_options &options) const;
  std::string version() const { return versionFunction(); }

private:
  decltype(&yoke_compile) compileFunction = nullptr;
  decltype(&yoke_compiler_version) versionFunction = nullptr;
};

} // namespace yoke::cli
