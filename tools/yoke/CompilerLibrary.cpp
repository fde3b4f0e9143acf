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
  auto compile = reinterpret_cast<decltype(&yoke_compile)>(dlsym(handle, "yoke_compile"));
  auto version = reinterpret_cast<decltype(&yoke_compiler_version)>(dlsym(handle, "yoke_compiler_version"));
  if (!compile || !version)
    return failed("{}: is not a Yoke compiler: {} is missing", path,
                  compile ? "yoke_compiler_version" : "yoke_compile");
  library.compileFunction = compile;
  library.versionFunction = version;
  return &library;
}

Status CompilerLibrary::compile(const yoke_compile_options &options) const {
  std::array<char, 4096> message = {};
  int code = compileFunction(&options, message.data(), message.size());
  if (code == 0)
    return {};
  message.back() = 0;
  auto kind = code >= 1 && code <= 4 ? static_cast<ErrorKind>(code) : ErrorKind::Failed;
  return makeError(kind, "{}", message[0] ? message.data() : "compilation failed");
}

} // namespace yoke::cli
