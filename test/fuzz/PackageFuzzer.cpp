// A package. Hashes stop nearly every mutation at once, so the same bytes are tried again with the hashes of header and
// table, and then of the sections, made right.
#include "Package/Package.h"

#include "Package/PackageFormat.h"
#include "Support/Hash.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

using namespace yoke;
using namespace yoke::package_format;

static void repair(std::vector<uint8_t> &file, bool sections) {
  if (file.size() < alignment + sizeof(Trailer))
    return;
  FileHeader header;
  memcpy(&header, file.data(), sizeof(header));
  memcpy(header.magic, magic.data(), magic.size());
  header.version = version;
  header.fileBytes = file.size();
  header.sectionCount = std::min<uint32_t>(header.sectionCount, maxSections);
  memset(header.zeros, 0, sizeof(header.zeros));
  size_t table = header.sectionCount * sizeof(SectionEntry);
  std::fill(file.begin() + static_cast<ptrdiff_t>(sizeof(header) + table), file.begin() + alignment, 0);
  for (size_t at = sizeof(header); sections && at < sizeof(header) + table; at += sizeof(SectionEntry)) {
    SectionEntry entry;
    memcpy(&entry, file.data() + at, sizeof(entry));
    if (entry.offset <= file.size() && entry.bytes <= file.size() - entry.offset)
      entry.hash = xxh3(std::as_bytes(std::span(file).subspan(entry.offset, entry.bytes)));
    memcpy(file.data() + at, &entry, sizeof(entry));
  }
  header.tableHash = xxh3(std::as_bytes(std::span(file).subspan(sizeof(header), table)));
  header.headerHash = xxh3(std::as_bytes(std::span(&header, 1)).first(offsetof(FileHeader, headerHash)));
  memcpy(file.data(), &header, sizeof(header));
}

static void tryOpen(std::span<const uint8_t> file) {
  Result<Package> package = Package::fromBytes(std::as_bytes(file), "fuzz");
  if (!package) {
    if (package.error().message.empty())
      abort();
    return;
  }
  for (const PackageSection &section : package->sections())
    if (section.offset % alignment != 0 || section.offset + section.bytes.size() > file.size())
      abort();
  (void)package->verifyAll();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tryOpen({data, size});
  for (bool sections : {false, true}) {
    std::vector<uint8_t> file(data, data + size);
    repair(file, sections);
    tryOpen(file);
  }
  return 0;
}
