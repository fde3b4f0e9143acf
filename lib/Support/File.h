// Reading untrusted files without being led to devices or pipes, and replacing a file in one step.
#pragma once

#include "Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

enum class Links { Follow, Refuse };

/// A file descriptor that closes itself.
class FileHandle {
public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor(descriptor) {}
  FileHandle(FileHandle &&other) noexcept : descriptor(std::exchange(other.descriptor, -1)) {}
  FileHandle &operator=(FileHandle &&other) noexcept {
    std::swap(descriptor, other.descriptor);
    return *this;
  }
  ~FileHandle();

  int get() const { return descriptor; }
  explicit operator bool() const { return descriptor >= 0; }

private:
  int descriptor = -1;
};

/// Opens an existing regular file for reading. Anything else (folder, FIFO, socket, device, and with Links::Refuse a
/// symbolic link) is refused before it is opened. Errors: Malformed when missing or not a regular file, Resources when
/// the system refuses.
Result<FileHandle> openRegularFile(const std::string &path, Links links = Links::Follow);

/// The whole of a regular file, refused (Malformed) when longer than `maxBytes`. Errors as openRegularFile.
Result<std::string> readFile(const std::string &path, size_t maxBytes, Links links = Links::Follow);

/// A regular file mapped read-only and private; an empty file gives an empty span. Truncating the file while it is
/// mapped makes later reads fault: see installMappingFaultHandler().
class MappedFile {
public:
  /// Errors as openRegularFile; Resources when it cannot be mapped.
  static Result<MappedFile> open(const std::string &path, Links links = Links::Follow);

  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data, size}; }
  std::string_view text() const { return {reinterpret_cast<const char *>(data), size}; }
  const std::string &path() const { return filePath; }

private:
  const std::byte *data = nullptr;
  size_t size = 0;
  std::string filePath;
  int faultSlot = -1;
};

/// For programs, once at start: reading a mapped file that was truncated, or whose disk fails, prints `yoke: error:
/// FILE: ...` and ends the process with exit code 4 instead of a SIGBUS core dump.
void installMappingFaultHandler();

/// A new file that appears under its name all at once or not at all: it is written without a name (or under a temporary
/// name in the same folder where the file system needs one), synchronised, then renamed over the old file. Destruction
/// without commit() leaves nothing behind and the old file intact. All errors are Resources.
class AtomicFile {
public:
  /// How the file exists until commit(): without a name where the file system can, so that even a killed process leaves
  /// nothing.
  enum class Temporary { Unnamed, Named };

  /// Refuses a `path` that names something other than a regular file or a symbolic link (which is replaced, not
  /// followed).
  static Result<AtomicFile> create(const std::string &path, Temporary temporary = Temporary::Unnamed);

  AtomicFile(AtomicFile &&) noexcept;
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  uint64_t size() const { return length; }

  /// Appends at the end.
  Status append(std::span<const std::byte> bytes);
  Status append(std::string_view text) { return append(std::as_bytes(std::span(text))); }

  /// Overwrites bytes already appended or reserved: offset + bytes.size() <= size().
  Status writeAt(uint64_t offset, std::span<const std::byte> bytes);

  /// Appends zeros up to a multiple of `alignment` (at most 64 KiB).
  Status alignTo(size_t alignment);

  /// Appends `bytes` zeros with disk space allocated, and maps them for filling in place. The span is valid until
  /// commit() or destruction.
  Result<std::span<std::byte>> reserve(uint64_t bytes);

  /// Reads the file as it stands, mapped; valid until commit() or destruction.
  Result<std::span<const std::byte>> contents();

  /// Synchronises, renames and synchronises the folder. The object can only be destroyed afterwards.
  Status commit();

private:
  struct Mapping {
    void *address;
    size_t size;
  };

  AtomicFile() = default;
  Result<std::byte *> map(uint64_t offset, uint64_t bytes, int protection);
  Status giveName();
  void unmapAll();
  tl::unexpected<Error> systemError(std::string_view what, int code) const;

  FileHandle file;
  std::string finalPath;
  std::string folder;
  std::string temporaryPath; ///< empty while the file has no name
  uint64_t length = 0;
  std::vector<Mapping> mappings;
};

} // namespace yoke
