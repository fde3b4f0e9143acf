#pragma once

#include "Support/Error.h"
#include "yoke/compiler.h"
#include "yoke/simulator.h"

#include <array>
#include <string>

namespace yoke::cli {

/// The compiler, a shared library that is loaded only when something must be compiled.
class CompilerLibrary {
public:
  /// Looks at $YOKE_COMPILER, then beside the program (../lib). Loaded once per process. Error: Failed.
  static Result<const CompilerLibrary *> load();

  /// A function of the library that writes its message to (message, size); `otherwise` where it writes none.
  template <class Function> Status call(const char *otherwise, Function function) const {
    std::array<char, 4096> message = {};
    return statusOf(function(message.data(), message.size()), message.data(), otherwise);
  }
  Status compile(const yoke_compile_options &options) const;
  std::string version() const { return versionFunction(); }

  decltype(&yoke_simulator_create) simulatorCreate = nullptr;
  decltype(&yoke_simulator_step) simulatorStep = nullptr;
  decltype(&yoke_simulator_work) simulatorWork = nullptr;
  decltype(&yoke_simulator_finish) simulatorFinish = nullptr;
  decltype(&yoke_simulator_destroy) simulatorDestroy = nullptr;

private:
  static Status statusOf(int code, const char *message, const char *otherwise);

  decltype(&yoke_compile) compileFunction = nullptr;
  decltype(&yoke_compiler_version) versionFunction = nullptr;
};

} // namespace yoke::cli
