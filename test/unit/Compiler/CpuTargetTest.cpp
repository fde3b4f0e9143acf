#include "Compiler/CpuTarget.h"

#include <gmock/gmock.h>

using namespace yoke;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(CpuTargetTest, LevelsByName) {
  auto v3 = CpuTarget::parse("cpu:x86-64-v3"), v4 = CpuTarget::parse("cpu:x86-64-v4");
  ASSERT_TRUE(v3 && v4);
  EXPECT_EQ(v3->level, "x86-64-v3");
  EXPECT_EQ(v3->tune, "x86-64-v3");
  EXPECT_THAT(v3->features, Contains("avx2"));
  EXPECT_THAT(v3->features, Contains("fma"));
  EXPECT_THAT(v3->features, Not(Contains("avx512f")));
  EXPECT_EQ(v4->level, "x86-64-v4");
  EXPECT_THAT(v4->features, Contains("avx2"));
  EXPECT_THAT(v4->features, Contains("avx512f"));
}

TEST(CpuTargetTest, NativeIsALevelOfThisMachine) {
  auto native = CpuTarget::parse("cpu:native");
  ASSERT_TRUE(native) << native.error().message;
  EXPECT_THAT(native->level, testing::AnyOf("x86-64-v3", "x86-64-v4"));
  EXPECT_FALSE(native->tune.empty());
  EXPECT_NE(native->tune, "native");
  for (const char *other : {"", "cpu"}) {
    auto same = CpuTarget::parse(other);
    ASSERT_TRUE(same) << other;
    EXPECT_EQ(same->level, native->level);
    EXPECT_EQ(same->tune, native->tune);
    EXPECT_EQ(same->features, native->features);
  }
}

TEST(CpuTargetTest, OtherNamesAreErrorsOfUse) {
  for (const char *spec :
       {"cuda", "cpu:", "cpu:znver4", "cpu:x86-64-v2", "cpu:x86-64-v4 ", "native", "x86-64-v4", "CPU", "cpu:native:x",
        "cpu:x86-64-v3+avx512vnni", "cpu:x86-64-v4+", "cpu:x86-64-v4+avx", "cpu:x86-64-v4++avx512vnni",
        "cpu:x86-64-v4+avx512vnni+avx512vnni", "cpu:native+avx512vnni"}) {
    auto target = CpuTarget::parse(spec);
    ASSERT_FALSE(target) << spec;
    EXPECT_EQ(target.error().kind, ErrorKind::Usage);
    EXPECT_EQ(target.error().message,
              std::string("target ") + spec +
                  ": expected cpu, cpu:native, cpu:x86-64-v3 or cpu:x86-64-v4[+avx512vnni][+avx512bf16]");
  }
}

TEST(CpuTargetTest, ExtensionsOfALevel) {
  auto target = CpuTarget::parse("cpu:x86-64-v4+avx512vnni+avx512bf16");
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->level, "x86-64-v4");
  EXPECT_EQ(target->levelWithExtensions(), "x86-64-v4+avx512vnni+avx512bf16");
  EXPECT_THAT(target->features, Contains("avx512vnni"));
  EXPECT_THAT(target->features, Contains("avx512bf16"));
}

TEST(CpuTargetTest, DescribesItselfForTheManifest) {
  TargetDescription description = CpuTarget::parse("cpu:x86-64-v3").value().describe();
  EXPECT_EQ(description.triple, "x86_64-pc-linux-gnu");
  EXPECT_EQ(description.cpu, "x86-64-v3");
  EXPECT_EQ(description.level, "x86-64-v3");
  EXPECT_THAT(description.features, Contains("f16c"));
}
