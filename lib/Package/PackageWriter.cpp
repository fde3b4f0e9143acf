#include "Package/PackageWriter.h"

#include "Package/PackageFormat.h"
#include "Support/Hash.h"
#include "Support/HashMapped.h"
#include "Support/Text.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace yoke {

using namespace package_format;

Result<PackageWriter> PackageWriter::create(const std::string &path) {
  PackageWriter out(YOKE_TRY(AtomicFile::create(path)));
  static constexpr std::array<std::byte, alignment> page{};
  YOKE_TRY(out.file.append(page));
  return out;
}

bool PackageWriter::has(std::string_view name) const {
  return std::ranges::find(sections, name, &Section::name) != sections.end();
}

Status PackageWriter::begin(std::string_view name, SectionKind kind) {
  if (name.empty() || name.size() >= sizeof(SectionEntry::name) || name.find('\0') != std::string_view::npos ||
      !isValidUtf8(name))
    return usageError("section {}: a name has 1 to {} bytes of UTF-8", quote(name), sizeof(SectionEntry::name) - 1);
  if (has(name))
    return usageError("section {}: added twice", quote(name));
  if (requiredKind(name).value_or(kind) != kind)
    return usageError("section {}: kind {} is not the one of that name", quote(name), static_cast<uint32_t>(kind));
  if (sections.size() == maxSections)
    return usageError("section {}: more than {} sections", quote(name), maxSections);
  YOKE_TRY(file.alignTo(alignment));
  sections.push_back({std::string(name), kind, file.size(), 0});
  return {};
}

Status PackageWriter::add(std::string_view name, SectionKind kind, std::span<const std::byte> bytes) {
  YOKE_TRY(begin(name, kind));
  sections.back().bytes = bytes.size();
  return file.append(bytes);
}

Status PackageWriter::add(std::string_view name, SectionKind kind, std::string_view text) {
  return add(name, kind, std::as_bytes(std::span(text)));
}

Status PackageWriter::addManifest(const Manifest &manifest) {
  std::string text = dumpJson(manifest.toJson(), 1);
  YOKE_TRY(Manifest::parse(text, "manifest"));
  return add(section_names::manifest, SectionKind::Json, text);
}

Result<std::span<std::byte>> PackageWriter::reserve(std::string_view name, SectionKind kind, uint64_t bytes) {
  YOKE_TRY(begin(name, kind));
  sections.back().bytes = bytes;
  return file.reserve(bytes);
}

Status PackageWriter::finish() {
  if (!has(section_names::manifest))
    return usageError("a package needs a section \"manifest\"");
  std::array<std::byte, alignment> page{};
  std::span<const std::byte> contents = YOKE_TRY(file.contents());
  for (size_t i = 0; i < sections.size(); ++i) {
    const Section &section = sections[i];
    SectionEntry entry = {};
    memcpy(entry.name, section.name.data(), section.name.size());
    entry.kind = static_cast<uint32_t>(section.kind);
    entry.offset = section.offset;
    entry.bytes = section.bytes;
    entry.hash = xxh3Mapped(contents.subspan(section.offset, section.bytes));
    memcpy(page.data() + sizeof(FileHeader) + i * sizeof(SectionEntry), &entry, sizeof(entry));
  }
  FileHeader header = {};
  memcpy(header.magic, magic.data(), magic.size());
  header.version = version;
  header.sectionCount = static_cast<uint32_t>(sections.size());
  header.fileBytes = file.size() + sizeof(Trailer);
  header.tableHash = xxh3(std::span(page).subspan(sizeof(FileHeader), sections.size() * sizeof(SectionEntry)));
  memcpy(page.data(), &header, sizeof(header));
  header.headerHash = xxh3(std::span(page).first(offsetof(FileHeader, headerHash)));
  memcpy(page.data(), &header, sizeof(header));
  YOKE_TRY(file.writeAt(0, page));

  Sha256 hash;
  hashMapped(hash, contents);
  Sha256Digest digest = YOKE_TRY(hash.finish());
  Trailer trailer = {};
  memcpy(trailer.magic, trailerMagic.data(), trailerMagic.size());
  memcpy(trailer.sha256, digest.data(), digest.size());
  YOKE_TRY(file.append(std::as_bytes(std::span(&trailer, 1))));
  return file.commit();
}

} // namespace yoke
