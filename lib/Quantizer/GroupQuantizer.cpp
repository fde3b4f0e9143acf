//===- GroupQuantizer.cpp - rows of floats as integers in scaled groups ---===//
#include "Quantizer/GroupQuantizer.h"

#include "Quantizer/SmallFloat.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace yoke;

#if defined(__x86_64__)
#define YOKE_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define YOKE_VECTOR_CLONES
#endif

namespace {

/// Adding it and taking it away rounds to the nearest whole number, ties to even, for magnitudes below 2^22.
constexpr float roundingShift = 12582912.0f;

float roundSmall(float x) { return (x + roundingShift) - roundingShift; }

constexpr size_t laneCount = 8;
typedef float Lanes __attribute__((vector_size(laneCount * sizeof(float))));

float roundScale(ScaleType type, float scale) {
  switch (type) {
  case ScaleType::BFloat16:
    return fromBFloat16(toBFloat16(scale));
  case ScaleType::Float16:
    return static_cast<float>(std::bit_cast<_Float16>(toFloat16(scale)));
  case ScaleType::Float32:
    break;
  }
  return scale;
}

/// A scale and zero point that elements can be rounded with.
struct Grid {
  float scale, zero;
};

struct Fit {
  float scale, gain; ///< gain: by how much the weighted error is below that of an all-zero group
};

/// Rounds `count` elements, of which `size` is the largest, by `scale` (of either sign) to integers from `low` to
/// `high`, then fits the scale to the integers: of all scales the best for them. Works on elements divided by the
/// largest, so that no power of them leaves the range of float. The result is the same on every machine.
YOKE_VECTOR_CLONES Fit fitScale(const float *group, size_t count, float size, float scale, float low, float high) {
#pragma clang fp contract(off)
  Lanes products = {}, squares = {};
  for (size_t i = 0; i < count; i += laneCount) {
    Lanes element = {};
    if (count - i >= laneCount)
      std::memcpy(&element, group + i, sizeof(element));
    else
      std::memcpy(&element, group + i, (count - i) * sizeof(float));
    Lanes x = element * (1 / size), q = x * (size / scale);
    q = (q + roundingShift) - roundingShift;
    q = q < low ? Lanes{} + low : q;
    q = q > high ? Lanes{} + high : q;
    Lanes weighted = x * x * q;
    products += weighted * x;
    squares += weighted * q;
  }
  float product = 0, square = 0;
  for (size_t lane = 0; lane < laneCount; ++lane) {
    product += products[lane];
    square += squares[lane];
  }
  return square > 0 ? Fit{product / square * size, product * product / square} : Fit{scale, 0};
}

class GroupSearch {
public:
  GroupSearch(const QuantFormat &format, std::span<const float> group)
      : format(format), group(group), largest(static_cast<float>(format.largest())),
        middle(static_cast<float>(format.middle())) {
    low = std::min(0.0f, *std::ranges::min_element(group));
    high = std::max(0.0f, *std::ranges::max_element(group));
    size = std::max(high, -low);
  }

  Grid find() const {
    if (!(size > 0))
      return {0, middle};
    bool isSearched = format.searched && size > 1e-30f;
    if (format.asymmetric)
      return isSearched ? searchAsymmetric() : between(low, high);
    return isSearched ? searchSymmetric() : Grid{roundScale(format.scale, size / (middle - 1)), middle};
  }

private:
  Grid between(float from, float to) const {
    float scale = roundScale(format.scale, (to - from) / largest);
    if (!(scale > 0))
      return {0, middle};
    return {scale, std::clamp(roundSmall(-from / scale), 0.0f, largest)};
  }

  Fit fit(float scale, float zero) const {
    return fitScale(group.data(), group.size(), size, scale, -zero, largest - zero);
  }

  Grid searchSymmetric() const {
    // The largest element may take the one integer more on the negative side, so its sign counts.
    float signedSize = -low > high ? low : high;
    Fit best{size / (middle - 1), -1};
    for (float steps = middle - 1.6f; steps <= middle + 0.6f; steps += 0.2f)
      for (float scale : {signedSize / steps, -signedSize / steps})
        if (Fit found = fit(scale, middle); found.gain > best.gain)
          best = found;
    return {roundScale(format.scale, best.scale), middle};
  }

  Grid searchAsymmetric() const {
    Grid best = between(low, high);
    float bestGain = -1;
    for (int narrower = 0; narrower < 8; ++narrower) {
      float factor = 1 - 0.04f * static_cast<float>(narrower);
      Grid grid = between(low * factor, high * factor);
      if (!(grid.scale > 0))
        continue;
      for (float shift : {-1.0f, 0.0f, 1.0f}) {
        float zero = std::clamp(grid.zero + shift, 0.0f, largest);
        if (Fit found = fit(grid.scale, zero); found.gain > bestGain) {
          bestGain = found.gain;
          best = {roundScale(format.scale, found.scale), zero};
        }
      }
    }
    return best;
  }

  const QuantFormat &format;
  std::span<const float> group;
  float largest, middle, low, high, size;
};

} // namespace

void yoke::quantizeRow(const QuantFormat &format, std::span<const float> row, QuantizedRow &out) {
  auto inputs = static_cast<int64_t>(row.size());
  auto groups = static_cast<size_t>(format.groupsOf(inputs));
  out.values.resize(row.size());
  out.scales.resize(groups);
  out.zeros.resize(groups);
  auto largest = static_cast<float>(format.largest());
  for (size_t g = 0; g < groups; ++g) {
    size_t begin = g * static_cast<size_t>(format.group);
    std::span<const float> group = row.subspan(begin, std::min(row.size() - begin, static_cast<size_t>(format.group)));
    Grid grid{std::numeric_limits<float>::quiet_NaN(), static_cast<float>(format.middle())};
    if (std::ranges::all_of(group, [](float x) { return std::isfinite(x); }))
      grid = GroupSearch(format, group).find();
    out.scales[g] = grid.scale;
    out.zeros[g] = grid.zero;
    bool isUsable = std::isfinite(grid.scale) && grid.scale != 0;
    for (size_t i = 0; i < group.size(); ++i) {
      float q = isUsable ? std::clamp(group[i] / grid.scale, -512.0f, 512.0f) : 0.0f;
      out.values[begin + i] = static_cast<uint8_t>(std::clamp(roundSmall(q) + grid.zero, 0.0f, largest));
    }
  }
}

void yoke::dequantizeRow(const QuantFormat &format, const QuantizedRow &row, std::span<float> out) {
  for (size_t k = 0; k < out.size(); ++k) {
    size_t g = k / static_cast<size_t>(format.group);
    out[k] = row.scales[g] * (static_cast<float>(row.values[k]) - row.zeros[g]);
  }
}

void yoke::roundActivations(std::span<float> row, int64_t run, float largest) {
  for (size_t begin = 0; begin < row.size(); begin += static_cast<size_t>(run)) {
    std::span<float> part = row.subspan(begin, std::min(row.size() - begin, static_cast<size_t>(run)));
    float size = 0;
    for (float x : part)
      size = std::isnan(x) ? x : std::max(size, std::abs(x));
    float step = size / largest, inverse = size > 1e-30f ? largest / size : 0;
    for (float &x : part)
      x = roundSmall(x * inverse) * step;
  }
}
