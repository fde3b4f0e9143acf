#include "Package/Package.h"

#include "Package/PackageFormat.h"
#include "Support/Hash.h"
#include "test/unit/Package/Samples.h"
#include "test/unit/Support/TestFiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using namespace yoke::test;
using namespace yoke::package_format;
using testing::HasSubstr;

namespace {

class PackageTest : public testing::Test {
protected:
  PackageTest() {
    Status written = writeSample(folder.path("m.yoke"));
    EXPECT_TRUE(written) << written.error().message;
    bytes = readAll(folder.path("m.yoke"));
  }

  static Result<Package> open(std::string_view bytes) {
    return Package::fromBytes(std::as_bytes(std::span(bytes)), "m.yoke");
  }

  template <class T> static T load(const std::string &from, size_t offset) {
    T out;
    memcpy(&out, from.data() + offset, sizeof(T));
    return out;
  }
  template <class T> static void store(std::string &to, size_t offset, const T &value) {
    memcpy(to.data() + offset, &value, sizeof(T));
  }

  SectionEntry entry(size_t index) const {
    return load<SectionEntry>(bytes, sizeof(FileHeader) + index * sizeof(SectionEntry));
  }

  /// Makes the hashes of header and table right for what they now say, so that the checks behind them are reached.
  static void rehash(std::string &file) {
    auto header = load<FileHeader>(file, 0);
    size_t table = std::min<size_t>(header.sectionCount * sizeof(SectionEntry), alignment - sizeof(FileHeader));
    std::span<const std::byte> all = std::as_bytes(std::span(file));
    header.tableHash = xxh3(all.subspan(sizeof(FileHeader), table));
    store(file, 0, header);
    header.headerHash = xxh3(all.first(offsetof(FileHeader, headerHash)));
    store(file, 0, header);
  }

  /// The message when entry `index` is changed by `change`, with hashes made right.
  std::string errorWith(size_t index, const std::function<void(SectionEntry &)> &change) {
    std::string file = bytes;
    SectionEntry changed = entry(index);
    change(changed);
    store(file, sizeof(FileHeader) + index * sizeof(SectionEntry), changed);
    rehash(file);
    Result<Package> package = open(file);
    return package ? "no error" : package.error().message;
  }

  TemporaryFolder folder;
  std::string bytes;
};

} // namespace

TEST_F(PackageTest, ReadsWhatWasWritten) {
  Result<Package> opened = Package::open(folder.path("m.yoke"));
  ASSERT_TRUE(opened) << opened.error().message;
  Package package = std::move(*opened);
  EXPECT_EQ(package.manifest().toJson(), sampleManifest().toJson());
  std::vector<std::string> names;
  for (const PackageSection &section : package.sections()) {
    names.push_back(section.name);
    EXPECT_EQ(section.offset % 4096, 0u);
  }
  EXPECT_THAT(names, testing::ElementsAre("manifest", "code", "weights", "tokenizer", "empty", "ir"));
  EXPECT_EQ(package.find("ir")->text(), "module {}");
  EXPECT_EQ(package.find("weights")->text(), std::string(10'000, 'w'));
  EXPECT_TRUE(package.find("empty")->bytes.empty());
  EXPECT_EQ(package.find("none"), nullptr);
  EXPECT_THAT(package.require("none").error().message, HasSubstr("section \"none\" is missing"));
  EXPECT_EQ(package.fileBytes(), bytes.size());
  EXPECT_EQ(package.recordedSha256().size(), 64u);
  EXPECT_TRUE(package.verifyAll());
}

TEST_F(PackageTest, EveryFlippedByteOfHeaderAndTableIsFound) {
  for (size_t i = 0; i < alignment; ++i)
    for (int flip : {0x01, 0x80, 0xFF}) {
      std::string file = bytes;
      file[i] = static_cast<char>(file[i] ^ flip);
      Result<Package> package = open(file);
      ASSERT_FALSE(package) << "byte " << i;
      EXPECT_EQ(package.error().kind, ErrorKind::Malformed);
      EXPECT_THAT(package.error().message,
                  testing::AnyOf(HasSubstr("m.yoke: header: "), HasSubstr("m.yoke: section table: ")));
    }
}

TEST_F(PackageTest, EveryFlippedByteOfTheRestIsFoundAndNamed) {
  Package whole = *open(bytes);
  for (size_t i = alignment; i < bytes.size(); ++i) {
    std::string file = bytes;
    file[i] = static_cast<char>(file[i] ^ 1);
    Result<Package> package = open(file);
    const PackageSection *section = nullptr;
    for (const PackageSection &candidate : whole.sections())
      if (i >= candidate.offset && i - candidate.offset < candidate.bytes.size())
        section = &candidate;
    if (section && section->kind != SectionKind::Weights) {
      ASSERT_FALSE(package) << "byte " << i;
      EXPECT_THAT(package.error().message, HasSubstr("section \"" + section->name + "\": checksum mismatch"));
      continue;
    }
    Status verified = package ? package->verifyAll() : Status(tl::unexpected<Error>(package.error()));
    ASSERT_FALSE(verified) << "byte " << i;
    EXPECT_THAT(verified.error().message, HasSubstr(section ? "section \"weights\": checksum mismatch" : "trailer: "));
  }
}

TEST_F(PackageTest, EveryTruncationIsFound) {
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(open(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_THAT(open(bytes + "x").error().message, HasSubstr("header: the package has"));
  EXPECT_THAT(open("").error().message, HasSubstr("not a Yoke package"));
}

TEST_F(PackageTest, RefusesNewerVersionsByName) {
  std::string file = bytes;
  store<uint32_t>(file, offsetof(FileHeader, version), 7);
  EXPECT_THAT(open(file).error().message,
              HasSubstr("header: package format version 7 is newer; this program reads version 1"));
}

TEST_F(PackageTest, ChecksTheTableBehindItsHash) {
  using Entry = SectionEntry;
  EXPECT_EQ(errorWith(0, [](Entry &) {}), "no error");
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.offset = UINT64_MAX - 4095; }), HasSubstr("section \"code\": offset"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.offset += 1; }), HasSubstr("section \"code\": offset"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.offset = 0; }), HasSubstr("section \"code\": offset"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.offset += 4096; }), HasSubstr("section \"code\": offset"));
  for (uint64_t length : {UINT64_MAX, UINT64_MAX - 8191, uint64_t(1) << 63, uint64_t(bytes.size())})
    EXPECT_THAT(errorWith(2, [&](Entry &e) { e.bytes = length; }), HasSubstr("section \"weights\": "));
  EXPECT_THAT(errorWith(5, [](Entry &e) { e.bytes = 0; }), HasSubstr("section \"ir\": checksum mismatch"));
  EXPECT_THAT(errorWith(2, [](Entry &e) { e.bytes -= 5000; }), HasSubstr("section \"tokenizer\": offset"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.kind = 0; }), HasSubstr("section \"code\": unknown kind 0"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.kind = 6; }), HasSubstr("section \"code\": unknown kind 6"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.kind = 4; }),
              HasSubstr("section \"code\": kind 4 is not the one of that name"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.zero = 1; }), HasSubstr("reserved bytes"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.name[0] = 0; }),
              HasSubstr("entry 1 of the section table has no valid name"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.name[31] = 'x'; }), HasSubstr("no valid name"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { memset(e.name, 'x', 32); }), HasSubstr("no valid name"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.name[0] = '\xff'; }), HasSubstr("no valid name"));
  EXPECT_THAT(errorWith(4,
                        [](Entry &e) {
                          memcpy(e.name, "ir\0\0\0", 5);
                          e.kind = 2;
                        }),
              HasSubstr("section \"ir\": listed twice"));
  EXPECT_THAT(errorWith(0, [](Entry &e) { e.name[0] = 'M'; }), HasSubstr("section \"manifest\" is missing"));
  EXPECT_THAT(errorWith(1, [](Entry &e) { e.hash ^= 1; }), HasSubstr("section \"code\": checksum mismatch"));
}

TEST_F(PackageTest, ChecksCountsBehindTheirHash) {
  for (uint32_t count : {0u, 5u, 7u, 63u, 64u, UINT32_MAX}) {
    std::string file = bytes;
    store<uint32_t>(file, offsetof(FileHeader, sectionCount), count);
    rehash(file);
    EXPECT_FALSE(open(file)) << count;
  }
}

TEST_F(PackageTest, RefusesFilesThatAreNotPackages) {
  EXPECT_FALSE(Package::open("/dev/zero"));
  EXPECT_FALSE(Package::open(folder.path("none")));
  EXPECT_THAT(Package::open(folder.write("x.yoke", std::string(10'000, 'x'))).error().message,
              HasSubstr("x.yoke: header: not a Yoke package"));
}
