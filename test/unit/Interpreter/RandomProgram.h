// Random but valid programs and steps, for comparing compiled code with the interpreter.
#pragma once

#include "Interpreter/Batch.h"
#include "Interpreter/Weights.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace yoke {

/// A tensor of the program's checkpoint.
struct RandomTensor {
  std::string name;
  mlir::Type element; ///< f32, bf16 or f16, as stored
  bool isVector = false;
  Matrix values; ///< in the element type
};

/// A module as import writes it, of a random architecture: any mixture of what the supported model families do, with
/// sizes that divide nothing evenly.
struct RandomProgram {
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< verified, with @step
  std::vector<RandomTensor> tensors;
  std::string description; ///< the draws that matter, for test messages
  bool isEncoder = false;
  int64_t vocabSize = 0;
  int64_t maxPositions = 0;

  /// Valid as long as this object.
  WeightProvider weights() const;
  /// Writes config.json ("{}") and model.safetensors into an existing folder.
  Status writeCheckpoint(const std::string &folder) const;
};

/// The same program for the same seed. Loads the dialects it needs.
RandomProgram makeRandomProgram(mlir::MLIRContext &context, uint64_t seed);

/// Steps to run one after the other on one cache: prefill in chunks, decoding and draft trees of up to `maxSequences`
/// sequences in ragged batches of at most `maxTokens` tokens; for an encoder, independent batches.
std::vector<Batch> makeRandomSteps(const RandomProgram &program, uint64_t seed, int32_t maxSequences = 3,
                                   int32_t maxTokens = 24);

} // namespace yoke
