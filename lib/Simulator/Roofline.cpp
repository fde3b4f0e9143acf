#include "Simulator/Roofline.h"

namespace yoke::sim {
namespace {

constexpr double elementBytes = 2;

class Kernels {
public:
  explicit Kernels(const RooflineTarget &device) : device(device) {}

  void add(std::string_view op, double flops, double bytes) {
    double compute = flops / (device.peakFlops * device.computeEfficiency);
    double memory = bytes / (device.memoryBandwidth * device.memoryEfficiency);
    result.breakdown.push_back(
        {std::string(op), compute > memory ? "compute" : "memory bandwidth", std::max(compute, memory)});
    result.breakdown.push_back({std::string(op), "launch", device.launchSeconds});
    totalFlops += flops;
    totalBytes += bytes;
  }
  /// `rows` rows times a matrix.
  void product(std::string_view op, double rows, double inner, double columns) {
    add(op, 2 * rows * inner * columns, elementBytes * (inner * columns + rows * (inner + columns)));
  }
  /// Reads and writes of rows, a few operations an element.
  void elementwise(std::string_view op, double elements) { add(op, 8 * elements, 2 * elementBytes * elements); }

  Simulation finish() {
    for (const OpShare &share : result.breakdown)
      result.seconds += share.seconds;
    result.cyclesPerBlock = int64_t(result.seconds * 1e9); // of a nominal 1 GHz
    result.plan = "roofline of each kernel";
    result.energyJoules = result.seconds * device.power;
    result.npuUtilisation = totalFlops / device.peakFlops / result.seconds;
    result.bandwidthUtilisation = totalBytes / device.memoryBandwidth / result.seconds;
    result.roofPercent = 100 * std::max(result.npuUtilisation, result.bandwidthUtilisation);
    return result;
  }

private:
  const RooflineTarget &device;
  Simulation result;
  double totalFlops = 0, totalBytes = 0;
};

} // namespace

Result<Simulation> rooflineBlock(const RooflineTarget &device, std::string_view name, const ModelShape &model,
                                 const std::vector<Request> &batch) {
  double keys = 0, pairs = 0, rows = 0;
  for (const Request &request : batch) {
    double visible = double(model.visible(request.length)), fresh = double(request.rows);
    keys += visible;
    pairs += fresh * (visible - (fresh - 1) / 2);
    rows += fresh;
  }
  double layers = double(model.layersPerStage()), width = double(model.width);
  double query = double(model.queryWidth()), key = double(model.keyWidth()), hidden = double(model.hiddenPerDevice());
  double weights = layers * double(model.blockWeights()) + 2 * width * double(model.vocabularyPerDevice());
  double needed = elementBytes * (weights + layers * 2 * keys * key);
  if (needed > device.capacityBytes)
    return failed("{}: weights, keys and values take {:.1f} GB, of {:.1f} GB", name, needed / 1e9,
                  device.capacityBytes / 1e9);
  Kernels kernels(device);
  kernels.elementwise("norm", rows * width);
  kernels.product("qkv", rows, width, query + 2 * key);
  if (model.rotary)
    kernels.elementwise("qkv", rows * (query + key));
  kernels.add("attend", 4 * pairs * query, elementBytes * (2 * keys * key + 2 * rows * query));
  kernels.product("projection", rows, query, width);
  kernels.elementwise("residual", rows * width);
  kernels.elementwise("norm", rows * width);
  kernels.product("feed_forward", rows, width, hidden * (model.gated ? 2 : 1));
  kernels.product("feed_forward", rows, hidden, width);
  kernels.elementwise("residual", rows * width);
  return kernels.finish();
}

Result<Simulation> rooflineHead(const RooflineTarget &device, const ModelShape &model, int64_t rows) {
  Kernels kernels(device);
  kernels.elementwise("norm", double(rows * model.width));
  kernels.product("head", double(rows), double(model.width), double(model.vocabularyPerDevice()));
  return kernels.finish();
}

} // namespace yoke::sim
