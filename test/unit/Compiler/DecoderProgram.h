// Programs of a chosen shape.
#pragma once

#include "RandomProgram.h"

namespace yoke {

/// One layer of attention between a norm and a head.
struct DecoderShape {
  int64_t heads = 1;
  int64_t kvHeads = 1;
  int64_t headDim = 8;
  int64_t ropeDims = 0; ///< 0: no rotary embedding
  int64_t window = 0;   ///< 0: none
  float softcap = 0;    ///< 0: none
  float queryGain = 1;  ///< factor of the queries
  const char *element = "f32";
  const char *cache = "f32"; ///< what keys and values are kept as
  bool hasCache = true;
  bool isBidirectional = false; ///< only without a cache

  std::string describe() const;
};

inline constexpr int64_t decoderVocabSize = 37;
inline constexpr int64_t decoderHiddenSize = 29;

RandomProgram makeDecoder(mlir::MLIRContext &context, const DecoderShape &shape);

/// A step that looks up rows of `values` (one column of the table a value) and applies `ops`, MLIR text that computes
/// %y from %x, both tensor<?xNxf32> with N as many as there are values.
RandomProgram makeElementwise(mlir::MLIRContext &context, const std::string &ops, const std::vector<float> &values);

} // namespace yoke
