// Where the interpreter gets the values of weights.
#pragma once

#include "Interpreter/Matrix.h"
#include "Support/Error.h"

#include "llvm/ADT/StringRef.h"

#include <functional>

namespace mlir::ml_program {
class GlobalOp;
}

namespace yoke {

class Checkpoint;

/// The values of a global of rank 1 to 3, in the shape of its type; the matrices of one of rank 3 lie one below the
/// other. They need not fit the element type: the interpreter rounds them to it, to a quantised one by the coding of
/// the global's `#llm.weight` unless that says that the checkpoint stores them quantised.
using WeightProvider = std::function<Result<Matrix>(mlir::ml_program::GlobalOp)>;

/// A whole checkpoint tensor as stored; one of rank 1 has one column, the matrices of one of rank 3 lie one
/// below the other.
using TensorReader = std::function<Result<Matrix>(llvm::StringRef tensor)>;

/// Assembles the pieces of each global's `#llm.weight`; a constant of float32 is taken as it is. Errors (Malformed)
/// name the global when it has no pieces, when a piece lies outside its tensor, or when the pieces do not fill the
/// global's shape.
WeightProvider piecewiseWeights(TensorReader read);

/// `piecewiseWeights` over a checkpoint, which must outlive the provider.
WeightProvider checkpointWeights(const Checkpoint &checkpoint);

/// Values that depend on `seed` and the global's name alone, the same on every machine: uniform in [-1, 1], and for
/// matrices scaled to keep the size of what they multiply.
WeightProvider randomWeights(uint64_t seed);

} // namespace yoke
