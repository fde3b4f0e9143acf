#include "Target/Target.h"
#include "Support/File.h"
#include "Support/Json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using testing::AllOf;
using testing::HasSubstr;

namespace {

std::string examplePath(const std::string &name) { return YOKE_SOURCE_DIR "/examples/targets/" + name + ".json"; }

Json example(const std::string &name) {
  Result<std::string> text = readFile(examplePath(name), 1 << 20);
  EXPECT_TRUE(text);
  return *parseJson(*text, name);
}

/// The message for the example `name` with the member at `pointer` replaced (removed when `value` is null).
std::string messageWith(const std::string &name, const std::string &pointer, const Json &value) {
  Json document = example(name);
  document[Json::json_pointer(pointer)] = value;
  Result<Target> target = parseTarget(dumpJson(document), "hw.json");
  if (target)
    return "accepted";
  EXPECT_EQ(target.error().kind, ErrorKind::Malformed);
  EXPECT_EQ(target.error().message.find('\n'), std::string::npos);
  return target.error().message;
}

struct Case {
  const char *target, *pointer;
  Json value;
  const char *key, *rule;
};

} // namespace

TEST(Target, ExamplesAreValid) {
  for (const char *name : {"neupims", "npu-only", "npu-pim-newton", "aim-like", "a100", "host-cpu"}) {
    Result<Target> target = loadTarget(examplePath(name));
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target->name, name);
    EXPECT_THAT(describeTarget(*target), HasSubstr(name));
  }
}

TEST(Target, DerivedFigures) {
  Target target = *loadTarget(examplePath("neupims"));
  EXPECT_EQ(target.memory->capacityBytes(), int64_t(32) << 30);
  EXPECT_DOUBLE_EQ(target.memory->bytesPerCycle(), 1024);
  EXPECT_DOUBLE_EQ(target.npu->flopsPerCycle(), 262144);
}

TEST(Target, ViolatedInequalitiesAreNamed) {
  const Case cases[] = {
      {"neupims", "/memory/timing/tRC", 47, "memory.timing.tRC", "tRC >= tRAS + tRP (47 < 48)"},
      {"neupims", "/memory/timing/tRP", -1, "tRP", "tRP > 0"},
      {"neupims", "/memory/timing/tFAW", -30, "tFAW", "tFAW >= 0"},
      {"neupims", "/memory/timing/tREFI", 300, "tREFI", "tREFI > tRFC + tRC"},
      {"neupims", "/memory/timing/tRRD_S", 7, "tRRD_L", "tRRD_L >= tRRD_S"},
      {"neupims", "/memory/timing/tRAS", 13, "tRAS", "tRAS >= tRCDRD"},
      {"neupims", "/memory/clock_mhz", 0, "memory.clock_mhz", "clock_mhz > 0"},
      {"neupims", "/memory/banks_per_group", 0, "banks_per_group", "banks_per_group > 0"},
      {"neupims", "/memory/channels", 33, "channels", "2^n"},
      {"neupims", "/memory/row_bytes", 32, "row_bytes", "row_bytes >= access_bytes"},
      {"neupims", "/memory/power/idd4r", 10, "idd4r", "idd4r >= 55"},
      {"neupims", "/npu/clock_mhz", 0, "npu.clock_mhz", "clock_mhz > 0"},
      {"neupims", "/npu/arrays", -1, "npu.arrays", "arrays > 0"},
      {"neupims", "/npu/scratchpad_bytes", 1024, "scratchpad_bytes", "scratchpad_bytes >= 4"},
      {"neupims", "/pim/activate_banks", 2, "pim.activate_banks", "activate_banks >= banks_per_group"},
      {"neupims", "/pim/gwrite_cycles", 0, "gwrite_cycles", "gwrite_cycles > 0"},
      {"neupims", "/pim/macs_per_bank", 1024, "macs_per_bank", "macs_per_bank * element_bytes <= row_bytes"},
      {"neupims", "/link/bytes_per_s", 0, "link.bytes_per_s", "bytes_per_s > 0"},
      {"neupims", "/link/latency_s", -1, "link.latency_s", "latency_s >= 0"},
      {"a100", "/gpu/memory_bytes_per_s", 0, "gpu.memory_bytes_per_s", "memory_bytes_per_s > 0"},
      {"a100", "/gpu/compute_efficiency", 1.5, "compute_efficiency", "compute_efficiency <= 1"},
      {"host-cpu", "/cpu/launch_s", -1e-9, "cpu.launch_s", "launch_s >= 0"},
  };
  for (const Case &c : cases)
    EXPECT_THAT(messageWith(c.target, c.pointer, c.value),
                AllOf(HasSubstr("hw.json"), HasSubstr(c.key), HasSubstr(c.rule)))
        << c.pointer;
}

TEST(Target, NetworksMustBeTrees) {
  Json link = {{"bytes_per_s", 1e9}, {"latency_s", 0}, {"nodes", 3}, {"edges", {{0, 1}, {1, 2}}}};
  EXPECT_EQ(messageWith("neupims", "/link", link), "accepted");
  link["edges"].push_back({2, 0});
  EXPECT_THAT(messageWith("neupims", "/link", link), HasSubstr("[2, 0] closes a cycle"));
  link["edges"][2] = {2, 3};
  EXPECT_THAT(messageWith("neupims", "/link", link), HasSubstr("0 <= node < nodes"));
}

TEST(Target, WrongShapesAreRefused) {
  EXPECT_THAT(messageWith("neupims", "/memory/timing/tRC", "48"), HasSubstr("memory.timing.tRC"));
  EXPECT_THAT(messageWith("neupims", "/memory/timing/tXYZ", 1), HasSubstr("tXYZ"));
  EXPECT_THAT(messageWith("neupims", "/memory", nullptr), HasSubstr("memory"));
  EXPECT_THAT(messageWith("neupims", "/memory/channels", int64_t(1) << 40), HasSubstr("memory.channels"));
  EXPECT_FALSE(parseTarget("{", "hw.json"));
  EXPECT_FALSE(parseTarget("{\"name\": \"x\"}", "hw.json"));
  EXPECT_FALSE(loadTarget("/nonexistent.json"));
}
