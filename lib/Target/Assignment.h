// Which device does which kernel, so that the whole takes least time.
#pragma once

#include <cstdint>
#include <vector>

namespace yoke {

/// Kernels and the values that pass between them. Kernels run one after the other, so their times and those of the
/// transfers add up.
struct AssignmentProblem {
  /// A value that kernel `to` reads from kernel `from`.
  struct Edge {
    int from, to;
    /// seconds[a * devices + b]: the value goes from device a to device b. Made a metric where it is not: the cheapest
    /// way may lead over a third device.
    std::vector<double> seconds;
  };
  int devices = 0;
  /// seconds[kernel][device]; infinite where the device cannot do it.
  std::vector<std::vector<double>> kernels;
  std::vector<Edge> edges;
};

/// Time of an assignment (one device a kernel).
double totalSeconds(const AssignmentProblem &problem, const std::vector<int> &devices);

/// The device of each kernel, by alpha-expansion: each move chooses, with one minimum cut, the best set of kernels to
/// bring to one device, until no move gains (Boykov, Veksler, Zabih, "Fast approximate energy minimization via graph
/// cuts", 2001). For two devices the result is optimal; for more its time is within twice the optimum's for uniform
/// transfers, and never above that of any single device. A kernel that no device can do keeps device -1.
std::vector<int> assignDevices(const AssignmentProblem &problem);

} // namespace yoke
