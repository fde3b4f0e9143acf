//===- LayerWindows.h - which layers see a sliding window -----------------===//
#ifndef YOKE_LIB_IMPORT_LAYERWINDOWS_H
#define YOKE_LIB_IMPORT_LAYERWINDOWS_H

#include "Import/ConfigReader.h"

#include <functional>

namespace yoke::import {

/// The window of each layer, nullopt where it sees everything before it. `layer_types` decides; without it
/// `slidingByDefault(layer)`.
std::vector<std::optional<int64_t>> readLayerWindows(ConfigReader &config, int64_t layers,
                                                     std::optional<int64_t> window,
                                                     const std::function<bool(int64_t)> &slidingByDefault);

/// As Mistral and Phi-3: one `sliding_window` for all layers; `layer_types` may only repeat it.
std::vector<std::optional<int64_t>> readUniformWindow(ConfigReader &config, int64_t layers,
                                                      std::optional<int64_t> missing);

/// As Qwen 2 and 3: `sliding_window` in the layers from `max_window_layers` on, if `use_sliding_window`.
std::vector<std::optional<int64_t>> readUpperWindows(ConfigReader &config, int64_t layers);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_LAYERWINDOWS_H
