// The architecture that a dense model becomes when its feed-forward blocks are made into experts.
#pragma once

#include "Checkpoint/Checkpoint.h"
#include "Support/Json.h"

#include <set>
#include <string>

namespace yoke {

struct FactorRequest {
  int64_t experts = 4, topK = 2;
  int64_t shared = 0;                 ///< neurons of each block that all tokens use
  std::set<int64_t> denseLayers = {}; ///< that stay as they are
};

/// What is known before any weight is read.
struct FactorPlan {
  int64_t layers = 0, hidden = 0, inner = 0, positions = 0;
  int64_t experts = 0, topK = 0, shared = 0;
  std::set<int64_t> denseLayers;
  bool isMixtral = false; ///< names of tensors are Mixtral's, else Qwen's
  Json config;            ///< of the new checkpoint

  int64_t expertInner() const { return (inner - shared) / experts; }
  bool isDense(int64_t layer) const { return denseLayers.contains(layer); }
};

/// Llama and Mistral become Mixtral, or Qwen2-MoE with shared neurons; Qwen2 becomes Qwen2-MoE; Qwen3 becomes
/// Qwen3-MoE. Errors: Malformed for a model that is not one of these or that their experts cannot express, Usage for a
/// request that does not fit the model.
Result<FactorPlan> planFactoring(const Checkpoint &source, const FactorRequest &request);

} // namespace yoke
