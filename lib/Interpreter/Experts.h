// What the moe ops compute, on plain matrices. Values are float32, sums and functions double.
#pragma once

#include "Interpreter/Matrix.h"
#include "MoE/MoE.h"
#include "Support/Error.h"

#include <functional>

namespace yoke::kernels {

struct Routing {
  Matrix weights;               ///< [T, top_k]
  std::vector<int32_t> experts; ///< element t * top_k + j
};

/// The attributes of `op` on `logits` [T, E]; `bias` [E] may be null.
Routing route(const Matrix &logits, const Matrix *bias, moe::RouteOp op);

/// Makes rows of a result from rows of x and the matrices of one expert.
using ExpertFunction = std::function<Result<Matrix>(Matrix rows, std::vector<Matrix> matrices)>;

/// For each token t the sum over j of weights[t, j] times what expert `choices[t * top_k + j]` makes of row t of x.
/// Each of `stacks` holds the matrices of `count` experts. Errors: Usage for an expert that there is not; those of
/// `run`.
Result<Matrix> experts(const Matrix &x, const Matrix &weights, const std::vector<int32_t> &choices,
                       const std::vector<const Matrix *> &stacks, int64_t count, const ExpertFunction &run);

/// Row t of x times factors[t, 0].
Matrix scaleRows(const Matrix &x, const Matrix &factors);

} // namespace yoke::kernels
