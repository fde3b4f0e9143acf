#include "Package/PackageWriter.h"
#include "test/unit/Package/Samples.h"
#include "test/unit/Support/TestFiles.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace yoke;
using namespace yoke::test;
using testing::HasSubstr;

TEST(PackageWriter, LeavesNothingWithoutFinish) {
  TemporaryFolder folder;
  std::string path = folder.write("m.yoke", "old");
  {
    PackageWriter writer = *PackageWriter::create(path);
    ASSERT_TRUE(writer.addManifest(sampleManifest()));
    ASSERT_TRUE(writer.reserve("weights", SectionKind::Weights, 1 << 20));
  }
  EXPECT_EQ(readAll(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(PackageWriter, IsDeterministic) {
  TemporaryFolder folder;
  ASSERT_TRUE(writeSample(folder.path("a")));
  ASSERT_TRUE(writeSample(folder.path("b")));
  EXPECT_EQ(readAll(folder.path("a")), readAll(folder.path("b")));
}

TEST(PackageWriter, RefusesWrongUse) {
  TemporaryFolder folder;
  PackageWriter writer = *PackageWriter::create(folder.path("m.yoke"));
  auto error = [&](std::string_view name, SectionKind kind) {
    Status status = writer.add(name, kind, "x");
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::Usage);
    return status.error().message;
  };
  EXPECT_THAT(writer.finish().error().message, HasSubstr("needs a section \"manifest\""));
  EXPECT_THAT(error("", SectionKind::Text), HasSubstr("1 to 31 bytes"));
  EXPECT_THAT(error(std::string(32, 'n'), SectionKind::Text), HasSubstr("1 to 31 bytes"));
  EXPECT_THAT(error("code", SectionKind::Text), HasSubstr("section \"code\": kind 2"));
  ASSERT_TRUE(writer.add(std::string(31, 'n'), SectionKind::Text, "x"));
  EXPECT_THAT(error(std::string(31, 'n'), SectionKind::Text), HasSubstr("added twice"));
  for (int i = 1; i < 63; ++i)
    ASSERT_TRUE(writer.add(fmt::format("s{}", i), SectionKind::Binary, ""));
  EXPECT_THAT(error("last", SectionKind::Text), HasSubstr("more than 63 sections"));
}

TEST(PackageWriter, RefusesAManifestThatCouldNotBeReadBack) {
  TemporaryFolder folder;
  PackageWriter writer = *PackageWriter::create(folder.path("m.yoke"));
  Manifest manifest = sampleManifest();
  manifest.bosTokenId = manifest.vocabSize;
  EXPECT_THAT(writer.addManifest(manifest).error().message, HasSubstr("bos_token_id"));
}

TEST(PackageWriter, ReportsAFullDisk) {
  EXPECT_EQ(PackageWriter::create("/dev/full").error().kind, ErrorKind::Resources);
  TemporaryFolder folder;
  ASSERT_TRUE(writeSample(folder.path("m.yoke")));
  const rlim_t whole = readAll(folder.path("m.yoke")).size();
  std::string path = folder.write("m.yoke", "old");
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  // Each size fails somewhere else: in a section, in reserving, in the trailer.
  for (rlim_t size = 0; size < whole; size = size + 900 < whole || size == whole - 1 ? size + 900 : whole - 1) {
    rlimit limited{size, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
    Status status = writeSample(path);
    setrlimit(RLIMIT_FSIZE, &old);
    ASSERT_FALSE(status) << size;
    EXPECT_EQ(status.error().kind, ErrorKind::Resources) << status.error().message;
    EXPECT_EQ(readAll(path), "old");
    EXPECT_EQ(folder.entries(), 1u);
  }
  std::signal(SIGXFSZ, handler);
}

TEST(PackageWriter, AKilledWriterLeavesTheOldFileOrAWholeNewOne) {
  TemporaryFolder folder;
  std::string path = folder.path("m.yoke");
  ASSERT_TRUE(writeSample(path));
  for (int delay = 0; delay < 40; ++delay) {
    pid_t child = fork();
    if (child == 0) {
      for (;;)
        if (!writeSample(path))
          _exit(1);
    }
    usleep(static_cast<useconds_t>(1000 + 137 * delay));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    Result<Package> package = Package::open(path);
    ASSERT_TRUE(package) << package.error().message;
    ASSERT_TRUE(package->verifyAll());
  }
}
