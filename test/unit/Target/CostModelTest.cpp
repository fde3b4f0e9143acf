#include "Target/CostModel.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace yoke;

namespace {

Target load(const std::string &name) {
  Result<Target> target = loadTarget(std::string(YOKE_SOURCE_DIR) + "/examples/targets/" + name + ".json");
  EXPECT_TRUE(target) << (target ? "" : target.error().message);
  return *target;
}

Work product(double rows, double inputs, double outputs, double count = 1) {
  Work work;
  work.products.push_back({rows, inputs, outputs, count, 2});
  return work;
}

TEST(CostModel, DevicesOfTargets) {
  EXPECT_EQ(devicesOf(load("neupims")), (std::vector<Device>{Device::Npu, Device::Pim}));
  EXPECT_EQ(devicesOf(load("npu-only")), (std::vector<Device>{Device::Npu}));
  EXPECT_EQ(devicesOf(load("a100")), (std::vector<Device>{Device::Gpu}));
  EXPECT_EQ(devicesOf(load("host-cpu")), (std::vector<Device>{Device::Cpu}));
  for (int i = 0; i < deviceKinds; ++i)
    EXPECT_EQ(findDevice(deviceName(Device(i))), Device(i));
  EXPECT_FALSE(findDevice("tpu"));
}

TEST(CostModel, OneRowIsMemoryBoundOnTheNpuAndManyAreComputeBound) {
  Target target = load("neupims");
  Estimate one = *estimate(target, Device::Npu, product(1, 4096, 4096));
  EXPECT_EQ(one.limit, Limit::Memory);
  EXPECT_GE(one.seconds, 4096.0 * 4096 * 2 / target.memory->bytesPerSecond());
  Estimate many = *estimate(target, Device::Npu, product(4096, 4096, 4096));
  EXPECT_EQ(many.limit, Limit::Compute);
  EXPECT_NEAR(many.seconds, 4096.0 * 4096 * 4096 / (8.0 * 128 * 128 * 1e9), many.seconds * 1e-9);
}

TEST(CostModel, PimWinsForOneRowAndLosesForMany) {
  Target target = load("neupims");
  for (double rows : {1.0, 2.0})
    EXPECT_LT(estimate(target, Device::Pim, product(rows, 4096, 4096))->seconds,
              estimate(target, Device::Npu, product(rows, 4096, 4096))->seconds)
        << rows;
  for (double rows : {16.0, 512.0})
    EXPECT_GT(estimate(target, Device::Pim, product(rows, 4096, 4096))->seconds,
              estimate(target, Device::Npu, product(rows, 4096, 4096))->seconds)
        << rows;
}

TEST(CostModel, TimesGrowWithTheWork) {
  for (const char *name : {"neupims", "npu-pim-newton", "aim-like", "a100", "host-cpu"}) {
    Target target = load(name);
    for (Device device : devicesOf(target)) {
      double last = 0;
      for (double rows : {1.0, 2.0, 16.0, 100.0, 1000.0}) {
        double seconds = estimate(target, device, product(rows, 1000, 3000))->seconds;
        EXPECT_GE(seconds, last) << name << " " << deviceName(device) << " " << rows;
        last = seconds;
      }
      EXPECT_LE(estimate(target, device, product(1, 1000, 3000))->seconds,
                estimate(target, device, product(1, 1000, 6000))->seconds);
      EXPECT_LE(estimate(target, device, product(1, 128, 1000, 8))->seconds,
                estimate(target, device, product(1, 128, 1000, 64))->seconds);
    }
  }
}

TEST(CostModel, PimCannotDoWhatIsNoProduct) {
  Work norm;
  norm.vectorElements = 4096;
  EXPECT_FALSE(estimate(load("neupims"), Device::Pim, norm));
  EXPECT_TRUE(estimate(load("neupims"), Device::Npu, norm));
}

TEST(CostModel, ATileTakesTheTimeOfThePublishedController) {
  // One tile: 512 inputs, one row in each of the 32 banks of a channel. The published constants are 184 cycles and 100
  // for the GWRITE.
  Target target = load("neupims");
  double cycles = estimate(target, Device::Pim, product(1, 512, 32))->seconds * target.memory->clockMHz * 1e6;
  EXPECT_NEAR(cycles, 284, 284 * 0.05);
}

TEST(CostModel, Transfers) {
  Target target = load("neupims");
  EXPECT_EQ(transferSeconds(target, Device::Npu, Device::Npu, 1e6), 0);
  EXPECT_EQ(transferSeconds(target, Device::Npu, Device::Pim, 1e6), 2e6 / target.memory->bytesPerSecond());
  EXPECT_TRUE(shareMemory(Device::Npu, Device::Pim));
  EXPECT_FALSE(shareMemory(Device::Npu, Device::Cpu));
  target.link.reset();
  EXPECT_TRUE(std::isinf(transferSeconds(target, Device::Npu, Device::Cpu, 1)));
}

} // namespace
