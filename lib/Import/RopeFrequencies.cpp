//===- RopeFrequencies.cpp - frequencies of rotary position embeddings ----===//
//
// float32 where transformers has a float32 tensor, double where it has a Python number.
//
//===----------------------------------------------------------------------===//
#include "Import/Rope.h"

#include <algorithm>
#include <cmath>

using namespace yoke::import;

/// base ** (2i / dim) for each rotating pair.
static std::vector<float> periods(double base, int64_t dim) {
  std::vector<float> result;
  for (int64_t i = 0; i < dim; i += 2) {
    float exponent = static_cast<float>(i) / static_cast<float>(dim);
    result.push_back(static_cast<float>(std::pow(double(static_cast<float>(base)), double(exponent))));
  }
  return result;
}

static std::vector<float> inverse(std::vector<float> values) {
  for (float &value : values)
    value = 1.0f / value;
  return values;
}

static void scaleLlama3(std::vector<float> &frequencies, const RopeParameters &p) {
  auto positions = static_cast<float>(p.originalPositions), factor = static_cast<float>(p.factor);
  auto low = static_cast<float>(p.lowFrequencyFactor);
  auto span = static_cast<float>(p.highFrequencyFactor - p.lowFrequencyFactor);
  auto lowWavelength = static_cast<float>(p.originalPositions / p.lowFrequencyFactor);
  auto highWavelength = static_cast<float>(p.originalPositions / p.highFrequencyFactor);
  for (float &frequency : frequencies) {
    float wavelength = static_cast<float>(2 * M_PI) / frequency;
    if (wavelength > lowWavelength) {
      frequency /= factor;
    } else if (wavelength >= highWavelength) {
      float smooth = (positions / wavelength - low) / span;
      frequency = (1 - smooth) * frequency / factor + smooth * frequency;
    }
  }
}

/// The pair, as a real number, that turns `rotations` times within the original length.
static double correctionDim(double rotations, const RopeParameters &p) {
  return p.dim * std::log(p.originalPositions / (rotations * 2 * M_PI)) / (2 * std::log(p.theta));
}

static std::vector<float> yarn(const RopeParameters &p) {
  double low = correctionDim(p.betaFast, p), high = correctionDim(p.betaSlow, p);
  if (p.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, double(p.dim - 1));
  if (low == high)
    high += 0.001;

  std::vector<float> result = periods(p.theta, p.dim);
  for (size_t i = 0; i < result.size(); ++i) {
    float ramp = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    float extrapolation = 1 - std::clamp(ramp, 0.0f, 1.0f);
    float interpolated = 1.0f / (static_cast<float>(p.factor) * result[i]);
    result[i] = interpolated * (1 - extrapolation) + (1.0f / result[i]) * extrapolation;
  }
  return result;
}

static double yarnMagnitude(const RopeParameters &p) {
  auto scaled = [&](double mscale) { return p.factor <= 1 ? 1 : 0.1 * mscale * std::log(p.factor) + 1; };
  if (p.attentionFactor)
    return *p.attentionFactor;
  return p.mscale != 0 && p.mscaleAllDim != 0 ? scaled(p.mscale) / scaled(p.mscaleAllDim) : scaled(1);
}

static std::vector<float> longRope(const RopeParameters &p, const std::vector<double> &factors) {
  std::vector<float> result = periods(p.theta, p.dim);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] *= static_cast<float>(factors[i]);
  return inverse(result);
}

Rope yoke::import::computeRope(const RopeParameters &p) {
  Rope rope;
  switch (p.type) {
  case RopeType::Default:
  case RopeType::Dynamic:
    rope.frequencies = inverse(periods(p.theta, p.dim));
    break;
  case RopeType::Linear:
    rope.frequencies = inverse(periods(p.theta, p.dim));
    for (float &frequency : rope.frequencies)
      frequency /= static_cast<float>(p.factor);
    break;
  case RopeType::Llama3:
    rope.frequencies = inverse(periods(p.theta, p.dim));
    scaleLlama3(rope.frequencies, p);
    break;
  case RopeType::Yarn:
    rope.frequencies = yarn(p);
    rope.magnitude = static_cast<float>(yarnMagnitude(p));
    break;
  case RopeType::LongRope:
    rope.frequencies = longRope(p, p.shortFactors);
    rope.longFrequencies = longRope(p, p.longFactors);
    rope.longFrom = p.originalPositions;
    rope.magnitude = static_cast<float>(p.attentionFactor.value_or(
        p.factor <= 1 ? 1 : std::sqrt(1 + std::log(p.factor) / std::log(p.originalPositions))));
    break;
  }
  return rope;
}
