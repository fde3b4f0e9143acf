#include "Package/Package.h"

#include "Package/PackageFormat.h"
#include "Support/Hash.h"
#include "Support/Text.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace yoke {
namespace {

using namespace package_format;

static_assert(std::endian::native == std::endian::little, "the package is read in place as little-endian");

template <class T> T load(std::span<const std::byte> bytes, size_t offset) {
  T out;
  memcpy(&out, bytes.data() + offset, sizeof(T));
  return out;
}

template <size_t N> std::string_view fixedText(const char (&text)[N]) { return {text, N}; }

bool allZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

Result<FileHeader> readHeader(std::span<const std::byte> all, const std::string &source) {
  if (all.size() < magic.size() || memcmp(all.data(), magic.data(), magic.size()) != 0)
    return malformed("{}: header: not a Yoke package (it must begin with \"{}\")", source, magic);
  if (all.size() < alignment + sizeof(Trailer))
    return malformed("{}: header: truncated: {} bytes, at least {} are needed", source, all.size(),
                     alignment + sizeof(Trailer));
  auto header = load<FileHeader>(all, 0);
  // The version comes before the hash: a newer format may place it elsewhere.
  if (header.version != version)
    return malformed("{}: header: package format version {} is {}; this program reads version {}", source,
                     header.version, header.version > version ? "newer" : "unknown", version);
  if (header.headerHash != xxh3(all.first(offsetof(FileHeader, headerHash))))
    return malformed("{}: header: checksum mismatch", source);
  if (header.fileBytes != all.size())
    return malformed("{}: header: the package has {} bytes, the file {}", source, header.fileBytes, all.size());
  if (header.sectionCount > maxSections)
    return malformed("{}: header: {} sections exceed the limit of {}", source, header.sectionCount, maxSections);
  size_t tableBytes = header.sectionCount * sizeof(SectionEntry);
  if (header.tableHash != xxh3(all.subspan(sizeof(FileHeader), tableBytes)))
    return malformed("{}: section table: checksum mismatch", source);
  size_t tableEnd = sizeof(FileHeader) + tableBytes;
  if (!allZero(std::as_bytes(std::span(header.zeros))) || !allZero(all.subspan(tableEnd, alignment - tableEnd)))
    return malformed("{}: header: reserved bytes are not zero", source);
  return header;
}

} // namespace

std::optional<SectionKind> requiredKind(std::string_view sectionName) {
  namespace names = section_names;
  for (std::string_view name : {names::manifest, names::tokenizer, names::tokenizerConfig, names::generationConfig,
                                names::config, names::draftVocabulary})
    if (sectionName == name)
      return SectionKind::Json;
  for (std::string_view name : {names::chatTemplate, names::ir})
    if (sectionName == name)
      return SectionKind::Text;
  if (sectionName == names::code)
    return SectionKind::Code;
  if (sectionName == names::weights)
    return SectionKind::Weights;
  return std::nullopt;
}

Result<Package> Package::open(const std::string &path) {
  MappedFile file = YOKE_TRY(MappedFile::open(path));
  Package out = YOKE_TRY(fromBytes(file.bytes(), printable(path, 4096)));
  out.file = std::move(file);
  return out;
}

Result<Package> Package::fromBytes(std::span<const std::byte> bytes, std::string source) {
  Package out;
  out.sourceName = std::move(source);
  out.all = bytes;
  YOKE_TRY(out.readTable());
  YOKE_TRY(out.readManifest());
  return out;
}

Status Package::readTable() {
  FileHeader header = YOKE_TRY(readHeader(all, sourceName));
  uint64_t end = alignment;                            // of what is read so far
  const uint64_t limit = all.size() - sizeof(Trailer); // of all sections
  for (uint32_t i = 0; i < header.sectionCount; ++i) {
    auto entry = load<SectionEntry>(all, sizeof(FileHeader) + i * sizeof(SectionEntry));
    std::string_view name = fixedText(entry.name);
    name = name.substr(0, name.find('\0'));
    auto broken = [&](std::string_view rule) { return malformed("{}: section {}: {}", sourceName, quote(name), rule); };
    if (name.empty() || name.size() == sizeof(entry.name) || !isValidUtf8(name) ||
        !allZero(std::as_bytes(std::span(entry.name)).subspan(name.size())))
      return broken(fmt::format("entry {} of the section table has no valid name", i));
    if (find(name))
      return broken("listed twice");
    if (entry.kind < static_cast<uint32_t>(SectionKind::Json) ||
        entry.kind > static_cast<uint32_t>(SectionKind::Binary))
      return broken(fmt::format("unknown kind {}", entry.kind));
    auto kind = static_cast<SectionKind>(entry.kind);
    if (kind != requiredKind(name).value_or(kind))
      return broken(fmt::format("kind {} is not the one of that name", entry.kind));
    if (entry.zero != 0)
      return broken("reserved bytes are not zero");
    uint64_t gap = (alignment - end % alignment) % alignment;
    if (gap > limit - end || entry.offset != end + gap)
      return broken(fmt::format("offset {} is not the next multiple of {} after {}", entry.offset, alignment, end));
    if (entry.bytes > limit - entry.offset)
      return broken(fmt::format("{} bytes at offset {} exceed the file of {}", entry.bytes, entry.offset, all.size()));
    end = entry.offset + entry.bytes;
    auto content = all.subspan(entry.offset, entry.bytes);
    if (kind != SectionKind::Weights && xxh3(content) != entry.hash)
      return broken("checksum mismatch");
    sectionList.push_back({std::string(name), kind, entry.offset, content, entry.hash});
  }
  if (end != limit)
    return malformed("{}: trailer: expected at offset {}, found {}", sourceName, end, limit);
  if (memcmp(all.data() + limit, trailerMagic.data(), trailerMagic.size()) != 0)
    return malformed("{}: trailer: it must begin with \"{}\"", sourceName, trailerMagic);
  return {};
}

Status Package::readManifest() {
  const PackageSection *section = YOKE_TRY(require(section_names::manifest));
  parsedManifest = YOKE_TRY(Manifest::parse(section->text(), sourceName + ": section \"manifest\""));
  return {};
}

const PackageSection *Package::find(std::string_view name) const {
  auto it = std::ranges::find(sectionList, name, &PackageSection::name);
  return it == sectionList.end() ? nullptr : &*it;
}

Result<const PackageSection *> Package::require(std::string_view name) const {
  const PackageSection *section = find(name);
  if (!section)
    return malformed("{}: section {} is missing", sourceName, quote(name));
  return section;
}

std::string Package::recordedSha256() const {
  return toHex(all.subspan(all.size() - sizeof(Trailer) + offsetof(Trailer, sha256), sizeof(Trailer::sha256)));
}

Status Package::verifyAll() const {
  for (const PackageSection &section : sectionList)
    if (xxh3(section.bytes) != section.hash)
      return malformed("{}: section {}: checksum mismatch", sourceName, quote(section.name));
  Sha256 hash;
  hash.update(all.first(all.size() - sizeof(Trailer)));
  std::string actual = toHex(YOKE_TRY(hash.finish()));
  if (actual != recordedSha256())
    return malformed("{}: trailer: SHA-256 mismatch: the file has {}, the trailer says {}", sourceName, actual,
                     recordedSha256());
  return {};
}

} // namespace yoke
