// What a piece of work costs on each device of a target: time to compute, time to move its data, and which of the two
// limits.
#pragma once

#include "Target/Target.h"

#include <optional>
#include <string_view>
#include <vector>

namespace yoke {

enum class Device { Npu, Pim, Gpu, Cpu };
inline constexpr int deviceKinds = 4;

std::string_view deviceName(Device device);
std::optional<Device> findDevice(std::string_view name);
/// The devices that a target has, in the order of the enumeration.
std::vector<Device> devicesOf(const Target &target);

/// `count` products of their own: [rows, inputs] x [inputs, outputs]. The matrices come from memory, once each.
struct Product {
  double rows, inputs, outputs;
  double count = 1;
  double elementBytes = 2; ///< of the matrices, as a GPU or CPU stores them

  double macs() const { return rows * inputs * outputs * count; }
  double matrixElements() const { return inputs * outputs * count; }
  double activationElements() const { return rows * (inputs + outputs) * count; }
};

/// What one kernel does.
struct Work {
  std::vector<Product> products;
  double vectorElements = 0; ///< operations that are not part of a product: norms, activations, softmax
  double streamedBytes = 0;  ///< read from memory besides matrices: rows of a table

  double macs() const;
};

enum class Limit { Compute, Memory, Vector, Launch };
std::string_view limitName(Limit limit);

struct Estimate {
  double seconds;
  Limit limit; ///< the largest part of the time
};

/// Time of `work` on `device`; nothing where the device cannot do it.
///
/// NPU: weight-stationary arrays. A tile of array_rows x array_columns weights takes max(rows, array_rows) cycles,
/// since the next tile is loaded while one computes; vector units and memory work beside the arrays, so the largest of
/// the three counts (Williams et al., "Roofline", 2009).
///
/// PIM: all banks of a channel take a row of the matrix at once. Such a tile costs
/// banks_per_rank / activate_banks * tFAW + tRCDRD + COMPs * tCCD_S + pipeline_fill + tRP cycles, for each row of the
/// activations anew, since a bank keeps nothing; activations enter by GWRITE, results leave over the bus. That is the
/// closed form of the published controller (NeuPIMs, ASPLOS 2024) with its constant replaced by the timings that it
/// stands for. What is no product is done by the NPU that shares the memory; without an NPU it cannot be done.
///
/// GPU, CPU: launch + max(FLOPs / reachable peak, bytes / reachable bandwidth).
std::optional<Estimate> estimate(const Target &target, Device device, const Work &work);

/// True for devices that work in one memory, so that weights need not be held twice.
bool shareMemory(Device a, Device b);

/// Seconds to make `bytes` of activations, computed by `from`, readable by `to`: 0 on one device; written and read once
/// within a memory; over the link between memories. Infinite where there is no link.
double transferSeconds(const Target &target, Device from, Device to, double bytes);

/// Bytes of the memory that the device works in.
double capacityBytes(const Target &target, Device device);
/// Bytes of an element as the device stores it; `stored` for devices that take it as it is.
double elementBytes(const Target &target, Device device, double stored);

} // namespace yoke
