#include "Support/File.h"
#include "test/unit/Support/TestFiles.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace yoke;
using namespace yoke::test;
using testing::HasSubstr;

TEST(ReadFile, ReadsUpToTheLimit) {
  TemporaryFolder folder;
  std::string path = folder.write("a", "hello");
  EXPECT_EQ(*readFile(path, 5), "hello");
  EXPECT_EQ(*readFile(folder.write("empty", ""), 0), "");
  Result<std::string> tooLong = readFile(path, 4);
  ASSERT_FALSE(tooLong);
  EXPECT_EQ(tooLong.error().kind, ErrorKind::Malformed);
  EXPECT_THAT(tooLong.error().message, HasSubstr("5 bytes exceed the limit of 4"));
}

TEST(ReadFile, ReadsFilesWhoseSizeIsNotKnown) {
  EXPECT_GT(readFile("/proc/self/status", 1 << 20)->size(), 100u);
  EXPECT_FALSE(readFile("/proc/self/status", 100));
}

TEST(ReadFile, RefusesWhatIsNotARegularFile) {
  TemporaryFolder folder;
  std::string target = folder.write("target", "x");
  ASSERT_EQ(mkfifo(folder.path("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink(target, folder.path("link"));
  std::filesystem::create_symlink("/dev/zero", folder.path("zero"));
  std::filesystem::create_symlink("loop", folder.path("loop"));
  struct Case {
    std::string path;
    Links links;
    const char *message;
  } cases[] = {
      {folder.path("missing"), Links::Follow, "No such file"},
      {folder.path(), Links::Follow, "found a folder"},
      {folder.path("fifo"), Links::Follow, "found a FIFO"},
      {folder.path("zero"), Links::Follow, "found a device"},
      {"/dev/zero", Links::Follow, "found a device"},
      {folder.path("link"), Links::Refuse, "found a symbolic link"},
      {folder.path("loop"), Links::Follow, "symbolic links"},
      {folder.path("target") + std::string("\0x", 2), Links::Follow, "NUL"},
  };
  for (const Case &test : cases) {
    Result<std::string> text = readFile(test.path, 1 << 20, test.links);
    ASSERT_FALSE(text) << test.path;
    EXPECT_EQ(text.error().kind, ErrorKind::Malformed) << text.error().message;
    EXPECT_THAT(text.error().message, HasSubstr(test.message));
    EXPECT_FALSE(MappedFile::open(test.path, test.links));
  }
  EXPECT_EQ(*readFile(folder.path("link"), 10), "x");
}

TEST(MappedFile, MapsAndMoves) {
  TemporaryFolder folder;
  Result<MappedFile> file = MappedFile::open(folder.write("a", "hello"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->text(), "hello");
  MappedFile other = std::move(*file);
  EXPECT_EQ(other.text(), "hello");
  EXPECT_TRUE(file->bytes().empty());
  EXPECT_TRUE(MappedFile::open(folder.write("empty", ""))->bytes().empty());
}

TEST(MappedFileDeathTest, TruncationWhileMappedEndsWithAMessage) {
  TemporaryFolder folder;
  std::string path = folder.write("weights.bin", std::string(100'000, 'x'));
  EXPECT_EXIT(
      {
        installMappingFaultHandler();
        Result<MappedFile> file = MappedFile::open(path);
        if (truncate(path.c_str(), 10) != 0)
          _exit(9);
        volatile char byte = file->text()[50'000];
        _exit(byte);
      },
      testing::ExitedWithCode(4), "yoke: error: .*weights.bin: truncated or unreadable while in use");
}

class AtomicFileTest : public testing::TestWithParam<AtomicFile::Temporary> {};

INSTANTIATE_TEST_SUITE_P(Temporary, AtomicFileTest,
                         testing::Values(AtomicFile::Temporary::Unnamed, AtomicFile::Temporary::Named));

TEST_P(AtomicFileTest, AppearsOnlyAtCommit) {
  TemporaryFolder folder;
  std::string path = folder.write("out", "old");
  {
    Result<AtomicFile> file = AtomicFile::create(path, GetParam());
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->append("new "));
    EXPECT_EQ(readAll(path), "old");
    ASSERT_TRUE(file->append("content"));
    ASSERT_TRUE(file->writeAt(0, std::as_bytes(std::span(std::string_view("NEW")))));
    ASSERT_TRUE(file->commit());
    EXPECT_EQ(readAll(path), "NEW content");
  }
  EXPECT_EQ(readAll(path), "NEW content");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST_P(AtomicFileTest, LeavesNothingWithoutCommit) {
  TemporaryFolder folder;
  std::string path = folder.write("out", "old");
  {
    AtomicFile file = *AtomicFile::create(path, GetParam());
    ASSERT_TRUE(file.append("new"));
    ASSERT_TRUE(file.reserve(1 << 20));
    AtomicFile moved = std::move(file);
  }
  EXPECT_EQ(readAll(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST_P(AtomicFileTest, FillsReservedSpaceInPlace) {
  TemporaryFolder folder;
  AtomicFile file = *AtomicFile::create(folder.path("out"), GetParam());
  ASSERT_TRUE(file.append("head"));
  ASSERT_TRUE(file.alignTo(64));
  EXPECT_EQ(file.size(), 64u);
  std::span<std::byte> a = *file.reserve(10'000), b = *file.reserve(5);
  EXPECT_TRUE(file.reserve(0)->empty());
  std::memset(a.data(), 'a', a.size());
  std::memset(b.data(), 'b', b.size());
  ASSERT_TRUE(file.append("tail"));
  EXPECT_EQ(file.contents()->size(), 64u + 10'000 + 5 + 4);
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(readAll(folder.path("out")), "head" + std::string(60, '\0') + std::string(10'000, 'a') + "bbbbb" + "tail");
}

TEST(AtomicFile, RefusesDestinationsThatCannotBeReplaced) {
  TemporaryFolder folder;
  for (const std::string &path : {std::string("/dev/full"), std::string("/dev/null"), folder.path(),
                                  folder.path("no/such/folder/x"), std::string(), folder.path("x") + "/"}) {
    Result<AtomicFile> file = AtomicFile::create(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().kind, ErrorKind::Resources) << path;
  }
}

TEST_P(AtomicFileTest, ReplacesALinkRatherThanItsTarget) {
  TemporaryFolder folder;
  std::string target = folder.write("target", "old");
  std::filesystem::create_symlink(target, folder.path("link"));
  AtomicFile file = *AtomicFile::create(folder.path("link"), GetParam());
  ASSERT_TRUE(file.append("new"));
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(readAll(target), "old");
  EXPECT_EQ(readAll(folder.path("link")), "new");
  EXPECT_FALSE(std::filesystem::is_symlink(folder.path("link")));
}

TEST_P(AtomicFileTest, ReportsAFailedRename) {
  TemporaryFolder folder;
  AtomicFile file = *AtomicFile::create(folder.path("out"), GetParam());
  folder.write("out/inner", "a folder took the name");
  Status status = file.commit();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::Resources);
}

/// Limits the length of files, which fails writes as a full disk does.
class FileSizeLimit {
public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    rlimit limited{bytes, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
  }

private:
  rlimit old;
  void (*handler)(int);
};

TEST_P(AtomicFileTest, ReportsFailedWritesAndLeavesTheOldFile) {
  TemporaryFolder folder;
  std::string path = folder.write("out", "old");
  {
    AtomicFile file = *AtomicFile::create(path, GetParam());
    FileSizeLimit limit(10'000);
    ASSERT_TRUE(file.append(std::string(9'000, 'x')));
    Status tooMuch = file.append(std::string(9'000, 'x')); // a short write, then an error
    ASSERT_FALSE(tooMuch);
    EXPECT_EQ(tooMuch.error().kind, ErrorKind::Resources);
    EXPECT_THAT(tooMuch.error().message, HasSubstr("out: cannot write: "));
    Result<std::span<std::byte>> reserved = file.reserve(1 << 20);
    ASSERT_FALSE(reserved);
    EXPECT_EQ(reserved.error().kind, ErrorKind::Resources);
    EXPECT_FALSE(file.reserve(UINT64_MAX));
  }
  EXPECT_EQ(readAll(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST_P(AtomicFileTest, ReportsAFullDisk) {
  TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "needs the right to mount: " << strerror(errno);
  {
    std::string path = folder.write("out", "old");
    AtomicFile file = *AtomicFile::create(path, GetParam());
    Result<std::span<std::byte>> reserved = file.reserve(4 << 20);
    ASSERT_FALSE(reserved);
    EXPECT_EQ(reserved.error().kind, ErrorKind::Resources);
    EXPECT_THAT(reserved.error().message, HasSubstr("No space left"));
    Status appended = file.append(std::string(4 << 20, 'x'));
    ASSERT_FALSE(appended);
    EXPECT_THAT(appended.error().message, HasSubstr("No space left"));
    EXPECT_EQ(readAll(path), "old");
  }
  EXPECT_EQ(folder.entries(), 1u);
  ::umount(folder.path().c_str());
}
