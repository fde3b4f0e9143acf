#include "Support/File.h"
#include "Support/MappingFault.h"
#include "Support/Text.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace yoke {
namespace {

tl::unexpected<Error> openError(const std::string &path, int code) {
  ErrorKind kind = code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENAMETOOLONG ? ErrorKind::Malformed
                                                                                              : ErrorKind::Resources;
  return makeError(kind, "{}: cannot open: {}", printable(path, 4096), strerror(code));
}

std::string_view kindOfFile(mode_t mode) {
  if (S_ISLNK(mode))
    return "a symbolic link";
  if (S_ISDIR(mode))
    return "a folder";
  if (S_ISFIFO(mode))
    return "a FIFO";
  if (S_ISSOCK(mode))
    return "a socket";
  return "a device";
}

Status requireRegular(const std::string &path, const struct stat &status) {
  if (!S_ISREG(status.st_mode))
    return malformed("{}: expected a regular file, found {}", printable(path, 4096), kindOfFile(status.st_mode));
  return {};
}

struct OpenedFile {
  FileHandle file;
  uint64_t size;
};

Result<OpenedFile> openForReading(const std::string &path, Links links) {
  if (path.find('\0') != std::string::npos)
    return malformed("{}: a path must not contain NUL", printable(path, 4096));
  struct stat status;
  // Looking first: opening some devices has effects. The second look is at what was really opened.
  if (fstatat(AT_FDCWD, path.c_str(), &status, links == Links::Refuse ? AT_SYMLINK_NOFOLLOW : 0) != 0)
    return openError(path, errno);
  YOKE_TRY(requireRegular(path, status));
  int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (links == Links::Refuse ? O_NOFOLLOW : 0);
  FileHandle file(TEMP_FAILURE_RETRY(::open(path.c_str(), flags)));
  if (!file || fstat(file.get(), &status) != 0)
    return openError(path, errno);
  YOKE_TRY(requireRegular(path, status));
  return OpenedFile{std::move(file), static_cast<uint64_t>(status.st_size)};
}

} // namespace

FileHandle::~FileHandle() {
  if (descriptor >= 0)
    ::close(descriptor);
}

Result<FileHandle> openRegularFile(const std::string &path, Links links) {
  return std::move(YOKE_TRY(openForReading(path, links)).file);
}

Result<std::string> readFile(const std::string &path, size_t maxBytes, Links links) {
  OpenedFile opened = YOKE_TRY(openForReading(path, links));
  std::string text;
  size_t length = 0;
  // One byte more than expected tells the end of a file that grows meanwhile.
  for (size_t want = opened.size + 1; opened.size <= maxBytes; want = 2 * length) {
    want = std::min(want, maxBytes + 1);
    text.resize(want);
    while (length < want) {
      ssize_t got = TEMP_FAILURE_RETRY(::read(opened.file.get(), text.data() + length, want - length));
      if (got < 0)
        return makeError(ErrorKind::Resources, "{}: cannot read: {}", printable(path, 4096), strerror(errno));
      if (got == 0) {
        text.resize(length);
        return text;
      }
      length += static_cast<size_t>(got);
    }
    if (length > maxBytes)
      break;
  }
  return malformed("{}: {} bytes exceed the limit of {}", printable(path, 4096), std::max<size_t>(opened.size, length),
                   maxBytes);
}

Result<MappedFile> MappedFile::open(const std::string &path, Links links) {
  OpenedFile opened = YOKE_TRY(openForReading(path, links));
  MappedFile out;
  out.filePath = path;
  if (opened.size == 0)
    return out;
  void *address = mmap(nullptr, opened.size, PROT_READ, MAP_PRIVATE, opened.file.get(), 0);
  if (address == MAP_FAILED)
    return outOfResources("{}: cannot map {} bytes: {}", printable(path, 4096), opened.size, strerror(errno));
  out.data = static_cast<const std::byte *>(address);
  out.size = opened.size;
  out.faultSlot = detail::registerMapping(address, opened.size, path);
  return out;
}

MappedFile::MappedFile(MappedFile &&other) noexcept { *this = std::move(other); }

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(data, other.data);
  std::swap(size, other.size);
  std::swap(filePath, other.filePath);
  std::swap(faultSlot, other.faultSlot);
  return *this;
}

MappedFile::~MappedFile() {
  if (!data)
    return;
  detail::unregisterMapping(faultSlot);
  munmap(const_cast<std::byte *>(data), size);
}

} // namespace yoke
