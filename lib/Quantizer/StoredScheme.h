//===- StoredScheme.h - how a checkpoint stores quantised matrices --------===//
#ifndef YOKE_LIB_QUANTIZER_STOREDSCHEME_H
#define YOKE_LIB_QUANTIZER_STOREDSCHEME_H

#include "Checkpoint/ExpectedTensors.h"
#include "Quantizer/GroupQuantizer.h"
#include "Support/Json.h"

namespace yoke {

/// What `quantization_config` of a checkpoint says, and the tensors that follow. A matrix [outputs, inputs] that a
/// float checkpoint stores as STEM.weight has:
/// - Gptq: STEM.qweight I32 [inputs / P, outputs], P = 32 / bits elements a word, STEM.scales [groups, outputs],
///   STEM.qzeros I32 [groups, outputs / P] of zero points less one, STEM.g_idx I32 [inputs] (the group of each input);
/// - Awq: STEM.qweight I32 [inputs, outputs / 8], STEM.scales [groups, outputs], STEM.qzeros I32 [groups, outputs / 8];
///   element i of a word is output 0 2 4 6 1 3 5 7;
/// - Packed (compressed-tensors "pack-quantized"): STEM.weight_packed I32 [outputs, inputs / P] of elements plus half
///   their range, STEM.weight_scale [outputs, groups], STEM.weight_shape, and when asymmetric STEM.weight_zero_point
///   I32 [outputs / P, groups];
/// - Int (compressed-tensors "int-quantized"): STEM.weight I8 [outputs, inputs], STEM.weight_scale [outputs, groups],
/// and
///   when asymmetric STEM.weight_zero_point I8 [outputs, groups].
struct StoredScheme {
  enum class Kind { Gptq, Awq, Packed, Int };
  Kind kind;
  int bits;
  int64_t group; ///< inputs; 0: all of a row
  bool asymmetric;

  /// Reads `quantization_config`. Errors (Malformed) name the field: methods, formats, bits and orders that are not
  /// supported.
  static Result<StoredScheme> read(const JsonObject &config);

  int64_t groupOf(int64_t inputs) const { return group == 0 ? inputs : group; }
  QuantFormat formatOf(int64_t inputs, ScaleType scale) const;

  /// The tensor that holds the integers of STEM.
  std::string integersOf(const std::string &stem) const;
  std::string scalesOf(const std::string &stem) const;
  /// All tensors of STEM with their shapes; an empty shape stands for any.
  std::vector<ExpectedTensor> tensorsOf(const std::string &stem, int64_t outputs, int64_t inputs) const;
  /// True for tensors that a checkpoint of this kind may have besides: activation scales, shapes.
  static bool mayBeExtra(std::string_view name);
};

} // namespace yoke

#endif // YOKE_LIB_QUANTIZER_STOREDSCHEME_H
