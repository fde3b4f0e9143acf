// Making a dense checkpoint into one of experts, layer by layer.
#pragma once

#include "Factor/FactoredFamily.h"
#include "Factor/LayerFit.h"

#include <atomic>
#include <functional>
#include <string>

namespace yoke::cli {

struct FactorJob {
  std::string model, output, text, evaluate;
  FactorRequest request;
  FitOptions fit = {.epochs = 4, .rounds = 2};
  int64_t tokens = 65536, context = 256;
  int threads = 0;
  const std::atomic<bool> *cancelled = nullptr;
  std::function<void(const std::string &phase, double fraction)> progress;
  std::function<void(const std::string &line)> note;
};

/// Fits the layers in order: what a layer's experts see is computed by the model with the layers before it already
/// converted, and what they should give is the dense model's residual stream after the layer less the converted model's
/// before it, so that a layer also makes up for those below. Interrupted, it goes on from the last finished layer of
/// OUTPUT.partial when it is run with the same options again. Errors: those of the options, the files and the compiler.
Status runFactor(const FactorJob &job);

} // namespace yoke::cli
