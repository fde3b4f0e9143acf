#include "Package/HostTarget.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using testing::HasSubstr;

TEST(HostTarget, AcceptsItself) {
  TargetDescription target{"x86_64-pc-linux-gnu", "", "", hostFeatures()};
  Status status = checkHostTarget(target, "m.yoke");
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_TRUE(std::ranges::is_sorted(target.features));
  EXPECT_THAT(target.features, testing::Contains("sse2"));
}

TEST(HostTarget, NamesWhatIsLacking) {
  TargetDescription target{"x86_64-pc-linux-gnu", "", "", {"sse2", "avx9999"}};
  EXPECT_EQ(checkHostTarget(target, "m.yoke").error().message,
            "m.yoke: target.features: this CPU lacks 1 of the features that the code uses: \"avx9999\"");
  target = {"riscv64-unknown-linux-gnu", "", "", {}};
  EXPECT_THAT(checkHostTarget(target, "m.yoke").error().message, HasSubstr("target.triple: compiled for \"riscv64"));
}
