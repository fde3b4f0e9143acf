// What each llm op computes, on plain matrices. Values are float32, sums and functions double.
#pragma once

#include "Interpreter/Batch.h"
#include "Interpreter/KvCache.h"
#include "Interpreter/Matrix.h"
#include "LLM/LLM.h"

namespace yoke::kernels {

/// Row `ids[t] + offset` of `table` for each t. Errors (Usage) when there is no such row.
Result<Matrix> embedding(const std::vector<int32_t> &ids, const Matrix &table, int64_t offset);

/// [T, dims]: cosines, then sines. The angle is the float32 product of position and frequency, as in PyTorch.
Matrix ropeTable(const std::vector<int32_t> &positions, llm::RopeAttr rope);

/// x [T, K] times the transpose of weight [N, K], plus bias [N] unless nullptr.
Matrix linear(const Matrix &x, const Matrix &weight, const Matrix *bias);
/// `weight` holds one matrix for each of `heads` heads, one below the other; of a head of x its inputs begin at column
/// `first`.
Matrix headLinear(const Matrix &x, const Matrix &weight, int64_t heads, int64_t first);
Matrix concatHeads(const Matrix &a, const Matrix &b, int64_t heads);

Matrix rmsNorm(const Matrix &x, const Matrix &scale, double epsilon, double scaleOffset);
Matrix layerNorm(const Matrix &x, const Matrix &scale, const Matrix *bias, double epsilon);
Matrix activation(llm::ActivationKind kind, const Matrix &x);
Matrix gated(llm::ActivationKind kind, const Matrix &gate, const Matrix &up);
Matrix scale(const Matrix &x, float factor);
Matrix softcap(const Matrix &x, double cap);
Matrix bias(const Matrix &x, const Matrix &vector);
Matrix rope(const Matrix &x, const Matrix &table, int64_t headDim, llm::RopeStyle style);

/// The rows of x that `rows` names.
Matrix gatherRows(const Matrix &x, const std::vector<int32_t> &rows);

/// One row per output of the batch: the sequence that starts there, pooled.
Matrix pool(llm::PoolKind kind, const Matrix &x, const Batch &batch, bool normalize);

struct AttentionOptions {
  int64_t heads = 1;
  int64_t kvHeads = 1;
  int64_t layer = 0;
  double scale = 1.0;
  bool bidirectional = false;
  int64_t window = 0;   ///< 0: none
  double softcap = 0.0; ///< 0: none
};

/// q [T, heads * head_dim]; k, v [T, kv_heads * head_dim], already appended to `cache` when that is not nullptr.
/// With a cache a token sees the slots below its limit that this step does not write, itself, and its ancestors in this
/// step; without one itself and its ancestors, or (bidirectional) the tokens of its sequence in slots below its limit.
/// Errors (Usage) when a slot that it sees was never written.
Result<Matrix> attention(const Matrix &q, const Matrix &k, const Matrix &v, const Batch &batch, const KvCache *cache,
                         const AttentionOptions &options);

} // namespace yoke::kernels
