#include "Support/File.h"
#include "Support/Text.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace yoke {
namespace {

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A name in the folder of `path` that no other process or call uses.
std::string temporaryName(const std::string &path) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}/.yoke-{}-{}.tmp", folderOf(path), ::getpid(), counter++);
}

} // namespace

tl::unexpected<Error> AtomicFile::systemError(std::string_view what, int code) const {
  return outOfResources("{}: {}: {}", printable(finalPath, 4096), what, strerror(code));
}

Result<AtomicFile> AtomicFile::create(const std::string &path, Temporary temporary) {
  AtomicFile out;
  out.finalPath = path;
  out.folder = folderOf(path);
  struct stat status;
  if (path.empty() || path.back() == '/' || path.find('\0') != std::string::npos)
    return outOfResources("{}: not a name for a file", quote(path, 4096));
  if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
    return outOfResources("{}: exists and is not a regular file", printable(path, 4096));
  constexpr mode_t mode = 0666;
  // Naming it later goes through /proc.
  if (temporary == Temporary::Unnamed && ::access("/proc/self/fd", F_OK) == 0)
    out.file = FileHandle(TEMP_FAILURE_RETRY(::open(out.folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode)));
  if (out.file)
    return out;
  // Not every file system has files without a name.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string name = temporaryName(path);
    out.file =
        FileHandle(TEMP_FAILURE_RETRY(::open(name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, mode)));
    if (out.file) {
      out.temporaryPath = std::move(name);
      return out;
    }
    if (errno != EEXIST)
      break;
  }
  return out.systemError("cannot create", errno);
}

AtomicFile::AtomicFile(AtomicFile &&other) noexcept
    : file(std::move(other.file)), finalPath(std::move(other.finalPath)), folder(std::move(other.folder)),
      temporaryPath(std::exchange(other.temporaryPath, {})), length(other.length),
      mappings(std::exchange(other.mappings, {})) {}

AtomicFile::~AtomicFile() {
  unmapAll();
  if (!temporaryPath.empty())
    ::unlink(temporaryPath.c_str());
}

void AtomicFile::unmapAll() {
  for (const Mapping &mapping : mappings)
    munmap(mapping.address, mapping.size);
  mappings.clear();
}

Status AtomicFile::writeAt(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t wrote = TEMP_FAILURE_RETRY(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)));
    if (wrote < 0)
      return systemError("cannot write", errno);
    // A regular file that takes nothing and reports nothing would loop for ever.
    if (wrote == 0)
      return systemError("cannot write", EIO);
    offset += static_cast<uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
  return {};
}

Status AtomicFile::append(std::span<const std::byte> bytes) {
  YOKE_TRY(writeAt(length, bytes));
  length += bytes.size();
  return {};
}

Status AtomicFile::alignTo(size_t alignment) {
  static constexpr std::array<std::byte, 65536> zeros{};
  return append(std::span(zeros).first((alignment - length % alignment) % alignment));
}

Result<std::byte *> AtomicFile::map(uint64_t offset, uint64_t bytes, int protection) {
  auto pageSize = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t lead = offset % pageSize;
  size_t size = bytes + lead;
  void *address = mmap(nullptr, size, protection, MAP_SHARED, file.get(), static_cast<off_t>(offset - lead));
  if (address == MAP_FAILED) {
    int code = errno;
    return systemError(fmt::format("cannot map {} bytes", bytes), code);
  }
  mappings.push_back({address, size});
  return static_cast<std::byte *>(address) + lead;
}

Result<std::span<std::byte>> AtomicFile::reserve(uint64_t bytes) {
  if (bytes == 0)
    return std::span<std::byte>();
  if (bytes > static_cast<uint64_t>(INT64_MAX) - length)
    return systemError(fmt::format("cannot reserve {} bytes", bytes), EFBIG);
  // A hole would turn a full disk into a fault at the first write through the mapping.
  int code;
  do
    code = posix_fallocate(file.get(), static_cast<off_t>(length), static_cast<off_t>(bytes));
  while (code == EINTR);
  if (code != 0)
    return systemError(fmt::format("cannot reserve {} bytes", bytes), code);
  std::byte *address = YOKE_TRY(map(length, bytes, PROT_READ | PROT_WRITE));
  length += bytes;
  return std::span(address, bytes);
}

Result<std::span<const std::byte>> AtomicFile::contents() {
  if (length == 0)
    return std::span<const std::byte>();
  return std::span<const std::byte>(YOKE_TRY(map(0, length, PROT_READ)), length);
}

Status AtomicFile::giveName() {
  std::string self = fmt::format("/proc/self/fd/{}", file.get());
  for (;;) {
    std::string name = temporaryName(finalPath);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporaryPath = std::move(name);
      return {};
    }
    if (errno != EEXIST)
      return systemError("cannot name", errno);
  }
}

Status AtomicFile::commit() {
  unmapAll();
  if (TEMP_FAILURE_RETRY(::fsync(file.get())) != 0)
    return systemError("cannot synchronise", errno);
  if (temporaryPath.empty())
    YOKE_TRY(giveName());
  if (::rename(temporaryPath.c_str(), finalPath.c_str()) != 0)
    return systemError("cannot rename", errno);
  temporaryPath.clear();
  FileHandle directory(TEMP_FAILURE_RETRY(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  // Some file systems cannot synchronise a folder and say EINVAL.
  if (directory && TEMP_FAILURE_RETRY(::fsync(directory.get())) != 0 && errno != EINVAL)
    return systemError("cannot synchronise the folder", errno);
  return {};
}

} // namespace yoke
