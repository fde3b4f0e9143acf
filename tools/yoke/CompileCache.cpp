#include "CompileCache.h"

#include "Checkpoint/Checkpoint.h"
#include "CompilerLibrary.h"
#include "Console.h"
#include "Package/HostTarget.h"
#include "Support/File.h"
#include "Support/Hash.h"
#include "Support/TemporaryFolder.h"
#include "runtime/HostCpu.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace yoke::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t maxPolicyBytes = size_t(1) << 24;

/// A package holds code, so a cache that others could write to must not be trusted.
bool isPrivateFolder(const fs::path &folder) {
  struct stat info;
  return lstat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0 && access(folder.c_str(), W_OK) == 0;
}

bool makePrivateFolder(const fs::path &folder) {
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  mkdir(folder.c_str(), 0700);
  return isPrivateFolder(folder);
}

Result<std::string> contentKey(const std::string &model) {
  std::error_code ignored;
  if (fs::is_directory(model, ignored))
    return YOKE_TRY(Checkpoint::open(model)).contentKey();
  MappedFile file = YOKE_TRY(MappedFile::open(model));
  Xxh3Stream hash;
  hash.update(file.bytes());
  return toHex(hash.digest());
}

Result<std::string> cacheKey(const CompileRequest &request, const CompilerLibrary &compiler) {
  std::string parts = YOKE_TRY(contentKey(request.model));
  // "native" means this machine, and the folder may be shared by several.
  std::string host = hostCpuName();
  for (const std::string &feature : hostFeatures())
    host += " " + feature;
  const bool hasPolicy = !request.ffnSkip.empty() && request.ffnSkip != "off";
  std::string policy = hasPolicy ? YOKE_TRY(readFile(request.ffnSkip, maxPolicyBytes)) : "";
  const std::string tuning = request.tuning.empty() ? "" : YOKE_TRY(readFile(request.tuning, SIZE_MAX));
  for (const std::string &part : {compiler.version(), request.target, request.weights, request.activations,
                                  request.kvCache, host, policy, tuning})
    parts += '\0' + part;
  Xxh3Stream hash;
  hash.update(std::as_bytes(std::span(parts)));
  return toHex(hash.digest());
}

Status compileTo(const CompileRequest &request, const CompilerLibrary &compiler, const std::string &output) {
  ProgressBar bar(request.showProgress);
  yoke_compile_options options = {};
  options.size = sizeof options;
  options.model_path = request.model.c_str();
  options.output_path = output.c_str();
  options.target = request.target.c_str();
  options.weights = request.weights.c_str();
  options.activations = request.activations.c_str();
  options.kv_cache = request.kvCache.c_str();
  options.ffn_skip = request.ffnSkip.c_str();
  options.tuning = request.tuning.c_str();
  options.progress = [](void *context, const char *phase, double fraction) {
    static_cast<ProgressBar *>(context)->update(fmt::format("compiling: {}", phase), fraction);
  };
  options.progress_context = &bar;
  return compiler.compile(options);
}

/// Held while one process compiles a key; the file stays, it is empty.
class CacheLock {
public:
  static Result<CacheLock> acquire(const fs::path &path) {
    CacheLock lock;
    lock.descriptor = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock.descriptor < 0)
      return outOfResources("cannot open {}: {}", path.string(), std::strerror(errno));
    while (flock(lock.descriptor, LOCK_EX) != 0)
      if (errno != EINTR)
        return outOfResources("cannot lock {}: {}", path.string(), std::strerror(errno));
    return lock;
  }
  CacheLock(CacheLock &&other) noexcept : descriptor(std::exchange(other.descriptor, -1)) {}
  ~CacheLock() {
    if (descriptor >= 0)
      close(descriptor);
  }

private:
  CacheLock() = default;
  int descriptor = -1;
};

} // namespace

Status compileTo(const CompileRequest &request, const std::string &output) {
  return compileTo(request, *YOKE_TRY(CompilerLibrary::load()), output);
}

fs::path preferredCacheFolder() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  if (cache && *cache == '/')
    return fs::path(cache) / "yoke";
  if (home && *home == '/')
    return fs::path(home) / ".cache" / "yoke";
  return {};
}

Result<fs::path> cacheFolder() {
  const fs::path preferred = preferredCacheFolder();
  if (!preferred.empty() && makePrivateFolder(preferred))
    return preferred;
  fs::path fallback = fs::path(temporaryRoot()) / fmt::format("yoke-cache-{}", geteuid());
  if (!makePrivateFolder(fallback))
    fallback = YOKE_TRY(makeTemporaryFolder());
  printWarning(fmt::format("the cache folder {} cannot be used; compiling into {}",
                           preferred.empty() ? "(no HOME)" : preferred.string(), fallback.string()));
  return fallback;
}

Result<std::shared_ptr<const Model>> openCached(const CompileRequest &request, const ModelOptions &options) {
  const CompilerLibrary *compiler = YOKE_TRY(CompilerLibrary::load());
  const std::string key = YOKE_TRY(cacheKey(request, *compiler));
  const fs::path folder = YOKE_TRY(cacheFolder());
  const std::string package = (folder / (key + ".yoke")).string();
  std::error_code ignored;
  if (fs::exists(package, ignored))
    if (auto model = Model::open(package, options); model || model.error().kind != ErrorKind::Malformed)
      return model;
  {
    CacheLock lock = YOKE_TRY(CacheLock::acquire(folder / (key + ".lock")));
    if (fs::exists(package, ignored))
      if (auto model = Model::open(package, options); model || model.error().kind != ErrorKind::Malformed)
        return model;
    YOKE_TRY(compileTo(request, *compiler, package));
  }
  return Model::open(package, options);
}

Result<std::shared_ptr<const Model>> openCompiledOnce(const CompileRequest &request, const ModelOptions &options) {
  const CompilerLibrary *compiler = YOKE_TRY(CompilerLibrary::load());
  // Once open, the mapped file needs no name.
  const TemporaryFolder folder = YOKE_TRY(TemporaryFolder::create());
  const std::string package = folder.path() + "/model.yoke";
  YOKE_TRY(compileTo(request, *compiler, package));
  return Model::open(package, options);
}

} // namespace yoke::cli
