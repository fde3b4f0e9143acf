// The bytes of a .yoke file, version 1, little-endian:
//
//   page 0          FileHeader, then sectionCount SectionEntry, then zeros up to 4096
//   sections        each at the next multiple of 4096 after the one before, zeros between
//   Trailer         directly after the last section, ends the file
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace yoke::package_format {

constexpr std::string_view magic = "YOKEPKG1";
constexpr std::string_view trailerMagic = "YOKEEND1";
constexpr uint32_t version = 1;
constexpr uint64_t alignment = 4096;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t sectionCount;
  uint64_t fileBytes;
  uint64_t tableHash;  ///< XXH3-64 of the section table
  uint64_t headerHash; ///< XXH3-64 of the fields above
  uint8_t zeros[24];
};
static_assert(sizeof(FileHeader) == 64);

struct SectionEntry {
  char name[32]; ///< padded with NUL, at least one
  uint32_t kind;
  uint32_t zero;
  uint64_t offset;
  uint64_t bytes;
  uint64_t hash; ///< XXH3-64 of the section
};
static_assert(sizeof(SectionEntry) == 64);

constexpr size_t maxSections = (alignment - sizeof(FileHeader)) / sizeof(SectionEntry);

struct Trailer {
  char magic[8];
  uint8_t sha256[32]; ///< of everything before the trailer
};
static_assert(sizeof(Trailer) == 40);

} // namespace yoke::package_format
