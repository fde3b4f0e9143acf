// Steps along a gradient.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace yoke {

/// Adam (Kingma and Ba 2015) with its usual decay rates, for one array of parameters.
class Adam {
public:
  explicit Adam(size_t size) : mean(size), power(size) {}

  void step(std::vector<float> &parameters, const std::vector<float> &gradient, double rate) {
    ++steps;
    auto first = static_cast<float>(1 - std::pow(0.9, steps)), second = static_cast<float>(1 - std::pow(0.999, steps));
    for (size_t i = 0; i < parameters.size(); ++i) {
      mean[i] += 0.1f * (gradient[i] - mean[i]);
      power[i] += 0.001f * (gradient[i] * gradient[i] - power[i]);
      parameters[i] -= static_cast<float>(rate) * (mean[i] / first) / (std::sqrt(power[i] / second) + 1e-12f);
    }
  }

private:
  std::vector<float> mean, power;
  int64_t steps = 0;
};

} // namespace yoke
