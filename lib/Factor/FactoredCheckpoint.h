// The checkpoint folder of a model whose feed-forward blocks are experts.
#pragma once

#include "Factor/FactoredFamily.h"
#include "Factor/LayerFit.h"

namespace yoke {

/// The feed-forward block of a layer of the dense model, widened to float32. Errors (Malformed): tensors that are
/// missing, misshaped, or not float.
Result<GatedBlock> readBlock(const Checkpoint &source, const FactorPlan &plan, int64_t layer);

/// What the layers' experts are, as far as they are known: the first `done` are those of the checkpoint `before`, the
/// next is `next`, and the others are runs of neurons with a router that does not choose.
struct FactorProgress {
  const Checkpoint *before = nullptr;
  int64_t done = 0;
  const LayerExperts *next = nullptr;
};

/// Writes model.safetensors, config.json and copies of the tokenizer's and the generation's files into `folder`, each
/// whole or not at all. Weights are of the source's types; those of down projections of float32 when topK is no power
/// of two, so that their factor loses nothing. Errors: Resources, Malformed.
Status writeFactored(const Checkpoint &source, const FactorPlan &plan, const FactorProgress &progress,
                     const std::string &folder);

} // namespace yoke
