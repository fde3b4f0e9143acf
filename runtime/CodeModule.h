#pragma once

#include "Support/Error.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace yoke {

/// A shared object loaded from memory.
class CodeModule {
public:
  /// Loads the bytes of an ELF shared object through an anonymous file (a temporary file where the system has none).
  /// `source` names the package in messages. The code runs with the process's rights: load only what is trusted.
  /// Errors: Malformed when the loader refuses the object, Resources when it cannot be placed.
  static Result<std::unique_ptr<CodeModule>> load(std::span<const std::byte> object, std::string_view source);
  ~CodeModule();
  CodeModule(const CodeModule &) = delete;
  CodeModule &operator=(const CodeModule &) = delete;

  /// Address of an exported symbol, or nullptr.
  void *symbol(const char *name) const;

private:
  CodeModule(void *handle, int descriptor) : handle(handle), descriptor(descriptor) {}

  void *handle;
  /// Stays open while loaded: the loader identifies objects by path, and /proc/self/fd/N must not be reused.
  int descriptor;
};

} // namespace yoke
