//===- LayerWindows.cpp - which layers see a sliding window ---------------===//
#include "Import/LayerWindows.h"

#include "Support/Text.h"

#include <algorithm>

using namespace yoke;
using namespace yoke::import;

using Windows = std::vector<std::optional<int64_t>>;

Windows yoke::import::readLayerWindows(ConfigReader &config, int64_t layers, std::optional<int64_t> window,
                                       const std::function<bool(int64_t)> &slidingByDefault) {
  std::vector<bool> sliding(layers);
  if (auto types = config.strings("layer_types", maxLayers)) {
    config.require(static_cast<int64_t>(types->size()) == layers, "layer_types",
                   fmt::format("has {} elements for {} layers", types->size(), layers));
    for (size_t i = 0; i < types->size(); ++i) {
      const std::string &type = (*types)[i];
      if (type == "sliding_attention" && i < sliding.size())
        sliding[i] = true;
      else if (type != "full_attention" && type != "attention" && type != "sliding_attention")
        config.refuse("layer_types", fmt::format("unsupported layer type {}; supported: full_attention, "
                                                 "sliding_attention",
                                                 quote(type)));
    }
  } else {
    for (int64_t i = 0; i < layers; ++i)
      sliding[i] = slidingByDefault(i);
  }
  if (std::ranges::find(sliding, true) != sliding.end())
    config.require(window.has_value(), "layer_types", "a sliding_attention layer needs a sliding_window");
  Windows windows(layers);
  for (int64_t i = 0; i < layers; ++i)
    if (sliding[i])
      windows[i] = window;
  return windows;
}

Windows yoke::import::readUniformWindow(ConfigReader &config, int64_t layers, std::optional<int64_t> missing) {
  auto window = config.optionalInteger("sliding_window", 1, maxPositions, missing);
  Windows windows = readLayerWindows(config, layers, window, [&](int64_t) { return window.has_value(); });
  config.require(std::ranges::all_of(windows, [&](auto each) { return each == window; }), "layer_types",
                 "layers with and without a window are not supported for this architecture");
  return windows;
}

Windows yoke::import::readUpperWindows(ConfigReader &config, int64_t layers) {
  bool use = config.boolean("use_sliding_window", false);
  auto window = config.optionalInteger("sliding_window", 1, maxPositions, 4096);
  int64_t from = config.integer("max_window_layers", 0, maxWidth, 28);
  if (!use)
    window = std::nullopt;
  return readLayerWindows(config, layers, window, [&](int64_t layer) { return window && layer >= from; });
}
