#include "Target/CostModel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace yoke {
namespace {

constexpr std::array<std::string_view, deviceKinds> names = {"npu", "pim", "gpu", "cpu"};

/// Elements that a memory stores: the NPU's.
double storedElementBytes(const Target &target) {
  return double(target.npu ? target.npu->elementBytes : target.pim ? target.pim->elementBytes : 2);
}

double vectorSeconds(const NpuTarget &npu, const Work &work) {
  return work.vectorElements / double(npu.vectorUnits * npu.vectorLanes) / (npu.clockMHz * 1e6);
}

Estimate largest(double compute, double memory, double vector) {
  double seconds = std::max({compute, memory, vector});
  return {seconds, seconds == memory ? Limit::Memory : seconds == compute ? Limit::Compute : Limit::Vector};
}

std::optional<Estimate> estimateNpu(const Target &target, const Work &work) {
  if (!target.npu || !target.memory)
    return std::nullopt;
  const NpuTarget &npu = *target.npu;
  double cycles = 0, elements = 0;
  for (const Product &product : work.products) {
    double tiles = std::ceil(product.inputs / double(npu.arrayRows)) *
                   std::ceil(product.outputs / double(npu.arrayColumns)) * product.count;
    cycles += std::ceil(tiles / double(npu.arrays)) * std::max(product.rows, double(npu.arrayRows));
    elements += product.matrixElements() + product.activationElements();
  }
  double bytes = elements * double(npu.elementBytes) + work.streamedBytes;
  return largest(cycles / (npu.clockMHz * 1e6), bytes / target.memory->bytesPerSecond(), vectorSeconds(npu, work));
}

std::optional<Estimate> estimatePim(const Target &target, const Work &work) {
  if (!target.pim || !target.memory || work.products.empty() || (work.vectorElements > 0 && !target.npu))
    return std::nullopt;
  const MemoryTarget &memory = *target.memory;
  const PimTarget &pim = *target.pim;
  double page = double(memory.rowBytes / pim.elementBytes);
  double tileCycles = std::ceil(double(memory.banksPerRank()) / double(pim.activateBanks)) * double(memory.timing.FAW) +
                      double(memory.timing.RCDRD) + page / double(pim.macsPerBank) * double(memory.timing.CCD_S) +
                      double(pim.pipelineFill) + double(memory.timing.RP);
  double pageSet = page * double(memory.banksPerChannel());
  double cycles = 0, resultElements = 0;
  for (const Product &product : work.products) {
    double tiles = std::ceil(product.matrixElements() / pageSet);
    double channels = std::min(double(memory.channels), std::ceil(tiles / product.count));
    double writes = std::ceil(product.inputs / page) * std::ceil(product.count * channels / double(memory.channels));
    cycles +=
        product.rows * (std::ceil(tiles / double(memory.channels)) * tileCycles + writes * double(pim.gwriteCycles));
    resultElements += product.rows * product.outputs * product.count;
  }
  double compute = cycles / (memory.clockMHz * 1e6);
  double results = (resultElements * double(pim.elementBytes) + work.streamedBytes) / memory.bytesPerSecond();
  double vector = target.npu ? vectorSeconds(*target.npu, work) : 0;
  Limit limit = compute >= results && compute >= vector ? Limit::Compute
                : results >= vector                     ? Limit::Memory
                                                        : Limit::Vector;
  return Estimate{compute + results + vector, limit};
}

std::optional<Estimate> estimateRoofline(const std::optional<RooflineTarget> &device, const Work &work) {
  if (!device)
    return std::nullopt;
  double bytes = work.streamedBytes;
  for (const Product &product : work.products)
    bytes += product.matrixElements() * product.elementBytes + product.activationElements() * sizeof(float);
  double compute = (2 * work.macs() + work.vectorElements) / (device->peakFlops * device->computeEfficiency);
  double memory = bytes / (device->memoryBandwidth * device->memoryEfficiency);
  Estimate roof = largest(compute, memory, 0);
  if (device->launchSeconds > roof.seconds)
    roof.limit = Limit::Launch;
  roof.seconds += device->launchSeconds;
  return roof;
}

} // namespace

std::string_view deviceName(Device device) { return names[size_t(device)]; }

std::optional<Device> findDevice(std::string_view name) {
  for (int i = 0; i < deviceKinds; ++i)
    if (names[size_t(i)] == name)
      return Device(i);
  return std::nullopt;
}

std::vector<Device> devicesOf(const Target &target) {
  std::vector<Device> devices;
  if (target.npu && target.memory)
    devices.push_back(Device::Npu);
  if (target.pim && target.memory)
    devices.push_back(Device::Pim);
  if (target.gpu)
    devices.push_back(Device::Gpu);
  if (target.cpu)
    devices.push_back(Device::Cpu);
  return devices;
}

double Work::macs() const {
  double sum = 0;
  for (const Product &product : products)
    sum += product.macs();
  return sum;
}

std::string_view limitName(Limit limit) {
  constexpr std::array<std::string_view, 4> limits = {"compute", "memory", "vector units", "launch"};
  return limits[size_t(limit)];
}

std::optional<Estimate> estimate(const Target &target, Device device, const Work &work) {
  switch (device) {
  case Device::Npu:
    return estimateNpu(target, work);
  case Device::Pim:
    return estimatePim(target, work);
  case Device::Gpu:
    return estimateRoofline(target.gpu, work);
  case Device::Cpu:
    return estimateRoofline(target.cpu, work);
  }
  return std::nullopt;
}

bool shareMemory(Device a, Device b) {
  auto inDram = [](Device device) { return device == Device::Npu || device == Device::Pim; };
  return a == b || (inDram(a) && inDram(b));
}

double transferSeconds(const Target &target, Device from, Device to, double bytes) {
  if (from == to)
    return 0;
  if (shareMemory(from, to))
    return 2 * bytes / target.memory->bytesPerSecond();
  if (!target.link)
    return std::numeric_limits<double>::infinity();
  return target.link->latency + bytes / target.link->bandwidth;
}

double capacityBytes(const Target &target, Device device) {
  if (device == Device::Gpu)
    return target.gpu->capacityBytes;
  if (device == Device::Cpu)
    return target.cpu->capacityBytes;
  return double(target.memory->capacityBytes());
}

double elementBytes(const Target &target, Device device, double stored) {
  return device == Device::Gpu || device == Device::Cpu ? stored : storedElementBytes(target);
}

} // namespace yoke
