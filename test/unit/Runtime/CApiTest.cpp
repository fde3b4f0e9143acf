#include "FakeModel.h"

#include <gtest/gtest.h>
#include <unistd.h>

extern "C" int yokeCApiTest(const char *path);

TEST(CApi, WorksFromC) {
  std::string path = testing::TempDir() + "yoke-capi-" + std::to_string(getpid()) + ".yoke";
  ASSERT_TRUE(yoke::test::writeFakePackage(path, {}));
  EXPECT_EQ(yokeCApiTest(path.c_str()), 0);
  unlink(path.c_str());
}
