// Linear least squares by normal equations.
#pragma once

#include "Factor/Multiply.h"

namespace yoke {

/// Solves (gram + damping I) result = right in place of `right` [n, m], by Cholesky's method. `gram` [n, n] is
/// symmetric and positive semidefinite; `damping` is relative to the mean of the diagonal and raised until the matrix
/// is positive definite in floating point. False when that does not help: a value is not finite.
[[nodiscard]] bool solveDamped(const FloatMatrix &gram, FloatMatrix &right, double damping);

} // namespace yoke
