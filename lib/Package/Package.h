// Reading a .yoke file: a flat container of named sections, mapped and verified. A package holds native code: the
// checks find damage and mistakes, they do not make a package from a stranger safe to run.
#pragma once

#include "Package/Manifest.h"
#include "Support/Error.h"
#include "Support/File.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

enum class SectionKind : uint32_t {
  Json = 1,
  Text = 2,
  Code = 3,    ///< an ELF shared object
  Weights = 4, ///< mapped as it is; its hash is checked only by Package::verifyAll()
  Binary = 5,
};

/// Names with a fixed meaning. Others may be added freely.
namespace section_names {
constexpr std::string_view manifest = "manifest";
constexpr std::string_view code = "code";
constexpr std::string_view weights = "weights";
constexpr std::string_view tokenizer = "tokenizer";
constexpr std::string_view tokenizerConfig = "tokenizer_config";
constexpr std::string_view generationConfig = "generation_config";
constexpr std::string_view chatTemplate = "chat_template";
constexpr std::string_view config = "config";
constexpr std::string_view draftVocabulary = "draft_vocabulary";
constexpr std::string_view ir = "ir";
} // namespace section_names

/// The kind that a section of this name must have; none for names without a fixed meaning.
std::optional<SectionKind> requiredKind(std::string_view sectionName);

struct PackageSection {
  std::string name;
  SectionKind kind;
  uint64_t offset; ///< from the start of the file, a multiple of 4096
  std::span<const std::byte> bytes;
  uint64_t hash;

  std::string_view text() const { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }
};

class Package {
public:
  /// Maps `path` and checks the header, the section table, the bounds and kinds of all sections, the hash of every
  /// section that is not weights, and the manifest. Errors (Malformed) name the file and the part; Resources by the
  /// system.
  static Result<Package> open(const std::string &path);

  /// The same over bytes in memory, which the package refers to. `source` names them in messages.
  static Result<Package> fromBytes(std::span<const std::byte> bytes, std::string source);

  const std::string &source() const { return sourceName; }
  const Manifest &manifest() const { return parsedManifest; }
  /// In file order.
  std::span<const PackageSection> sections() const { return sectionList; }
  /// nullptr when there is none.
  const PackageSection *find(std::string_view name) const;
  /// Error (Malformed) when there is none.
  Result<const PackageSection *> require(std::string_view name) const;
  /// Size of the whole file.
  uint64_t fileBytes() const { return all.size(); }

  /// Reads every byte: all section hashes, then the SHA-256 of the file. Error: Malformed, names the first section that
  /// differs.
  Status verifyAll() const;
  /// The SHA-256 that the file claims to have; it is checked by verifyAll() alone.
  std::string recordedSha256() const;

private:
  Status readTable();
  Status readManifest();

  std::string sourceName;
  MappedFile file;
  std::span<const std::byte> all;
  std::vector<PackageSection> sectionList;
  Manifest parsedManifest;
};

} // namespace yoke
