#include "CompilerLibrary.h"

#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>

namespace yoke::cli {
namespace {

std::string libraryPath() {
  if (const char *path = std::getenv("YOKE_COMPILER"); path && *path)
    return path;
  std::error_code ignored;
  auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return (program.parent_path().parent_path() / "lib" / "libYokeCompiler.so").string();
}

} // namespace

Result<const CompilerLibrary *> CompilerLibrary::load() {
  static CompilerLibrary library;
  if (library.compileFunction)
    return &library;
  std::string path = libraryPath();
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return failed("the compiler cannot be loaded: {} (YOKE_COMPILER names another place; running a .yoke package "
                  "needs no compiler)",
                  dlerror());
  std::string missing;
  auto find = [&](const char *name, auto &function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (!function && missing.empty())
      missing = name;
  };
  find("yoke_compiler_version", library.versionFunction);
  find("yoke_simulator_create", library.simulatorCreate);
  find("yoke_simulator_step", library.simulatorStep);
  find("yoke_simulator_work", library.simulatorWork);
  find("yoke_simulator_finish", library.simulatorFinish);
  find("yoke_simulator_destroy", library.simulatorDestroy);
  decltype(library.compileFunction) compile = nullptr;
  find("yoke_compile", compile);
  if (!missing.empty())
    return failed("{}: is not a Yoke compiler: {} is missing", path, missing);
  library.compileFunction = compile;
  return &library;
}

Status CompilerLibrary::statusOf(int code, const char *message, const char *otherwise) {
  if (code == 0)
    return {};
  auto kind = code >= 1 && code <= 4 ? static_cast<ErrorKind>(code) : ErrorKind::Failed;
  return makeError(kind, "{}", *message ? message : otherwise);
}

Status CompilerLibrary::compile(const yoke_compile_options &options) const {
  return call("compilation failed",
              [&](char *message, size_t size) { return compileFunction(&options, message, size); });
}

} // namespace yoke::cli
