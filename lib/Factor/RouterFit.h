// The router of a layer: one linear map from a token's row to a number an expert.
#pragma once

#include "Factor/Multiply.h"

#include <cstdint>
#include <vector>

namespace yoke {

/// The experts that each token should use: `topK` numbers a token, ascending.
struct ExpertChoices {
  int64_t topK = 1;
  std::vector<int32_t> experts;

  const int32_t *of(int64_t token) const { return experts.data() + token * topK; }
};

/// The router [experts, columns of x] whose largest logits name `wanted` best: multinomial logistic regression, fitted
/// by Adam with batches in a fixed pseudo-random order. Its logits on x are at most `largestLogit` in magnitude.
FloatMatrix fitRouter(const FloatMatrix &x, const ExpertChoices &wanted, int64_t experts);

/// Small enough that the softmax over the chosen experts gives each nearly the same weight, large enough that a softmax
/// in float32 still orders them.
constexpr float largestLogit = 1.0f / 64;

/// What the output of each expert is multiplied with for rows [begin, end) of x: `factors` [end - begin, experts] is
/// topK times the softmax over the topK experts of the largest logits (equal ones: the lower number), and 0 for the
/// others.
void routeRows(const FloatMatrix &x, const FloatMatrix &router, int64_t topK, int64_t begin, int64_t end,
               FloatMatrix &factors);

/// The fraction of the wanted experts that the router chooses.
double routerAccuracy(const FloatMatrix &x, const FloatMatrix &router, const ExpertChoices &wanted);

} // namespace yoke
