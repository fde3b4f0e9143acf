//===- TiedHead.cpp - the embedding as the weight of the head -------------===//
#include "Import/Family.h"

#include "Support/Text.h"

#include <algorithm>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

/// Whether both tensors hold the same bytes of the same type and shape.
static bool sameTensor(const Checkpoint &checkpoint, const TensorInfo &a, const TensorInfo &b) {
  return a.dtype == b.dtype && std::ranges::equal(a.shape, b.shape) &&
         std::ranges::equal(checkpoint.bytes(a), checkpoint.bytes(b));
}

Head yoke::import::embeddingAndHead(ModelBuilder &model, StringRef embedding, StringRef head, int64_t rows,
                                    int64_t columns, bool tied) {
  const TensorInfo *storedEmbedding = model.weights().find(embedding), *storedHead = model.weights().find(head);
  if (tied && storedEmbedding && storedHead && !sameTensor(model.checkpoint(), *storedEmbedding, *storedHead)) {
    tied = false;
    if (model.options().warnings)
      model.options().warnings->push_back(
          fmt::format("{}: {} and {} differ, so they stay apart in spite of tie_word_embeddings",
                      printable(model.checkpoint().folder(), 4096), storedEmbedding->name, storedHead->name));
  }
  if (!tied)
    return {model.matrix(embedding, rows, columns), model.matrix(head, rows, columns)};
  Value shared = model.matrix(storedEmbedding || !storedHead ? embedding : head, rows, columns);
  return {shared, shared};
}
