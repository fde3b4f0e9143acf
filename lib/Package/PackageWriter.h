// Writing a .yoke file in one pass; it appears under its name whole or not at all.
#pragma once

#include "Package/Package.h"
#include "Support/Error.h"
#include "Support/File.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

class PackageWriter {
public:
  /// Error: Resources.
  static Result<PackageWriter> create(const std::string &path);

  /// Appends a section. Errors: Usage for a name that is empty, longer than 31 bytes, taken or of another kind, or for
  /// too many sections; Resources from the system.
  Status add(std::string_view name, SectionKind kind, std::span<const std::byte> bytes);
  Status add(std::string_view name, SectionKind kind, std::string_view text);

  /// Appends the section "manifest". Error (Malformed): the manifest breaks its own rules and could not be read back.
  Status addManifest(const Manifest &manifest);

  /// Appends a section of `bytes` zeros, with disk space allocated, to be filled through the span until finish().
  /// Errors as add().
  Result<std::span<std::byte>> reserve(std::string_view name, SectionKind kind, uint64_t bytes);

  /// Writes hashes, table and trailer, synchronises and renames. Requires a manifest. The writer can only be destroyed
  /// afterwards; a writer destroyed without it, or after an error, leaves no file.
  Status finish();

private:
  struct Section {
    std::string name;
    SectionKind kind;
    uint64_t offset;
    uint64_t bytes;
  };

  PackageWriter(AtomicFile file) : file(std::move(file)) {}
  bool has(std::string_view name) const;
  Status begin(std::string_view name, SectionKind kind);

  AtomicFile file;
  std::vector<Section> sections;
};

} // namespace yoke
