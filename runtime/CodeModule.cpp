#include "runtime/CodeModule.h"

#include "Support/TemporaryFolder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace yoke {
namespace {

bool writeAll(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

} // namespace

Result<std::unique_ptr<CodeModule>> CodeModule::load(std::span<const std::byte> object, std::string_view source) {
  int descriptor = memfd_create("yoke-code", MFD_CLOEXEC);
  std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const bool anonymous = descriptor >= 0 && access(path.c_str(), F_OK) == 0;
  if (!anonymous) {
    if (descriptor >= 0)
      close(descriptor);
    path = temporaryRoot() + "/yoke-code-XXXXXX";
    descriptor = mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0)
      return outOfResources("{}: cannot create {} to load its code: {}", source, path, std::strerror(errno));
  }
  void *handle = nullptr;
  std::string problem;
  if (!writeAll(descriptor, object)) {
    problem = std::strerror(errno);
  } else {
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      problem = dlerror();
  }
  if (!anonymous)
    unlink(path.c_str());
  if (!handle) {
    close(descriptor);
    return malformed("{}: section code: cannot be loaded: {}", source, problem);
  }
  return std::unique_ptr<CodeModule>(new CodeModule(handle, descriptor));
}

CodeModule::~CodeModule() {
  dlclose(handle);
  close(descriptor);
}

void *CodeModule::symbol(const char *name) const { return dlsym(handle, name); }

} // namespace yoke
