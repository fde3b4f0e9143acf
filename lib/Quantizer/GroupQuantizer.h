//===- GroupQuantizer.h - rows of floats as integers in scaled groups -----===//
#ifndef YOKE_LIB_QUANTIZER_GROUPQUANTIZER_H
#define YOKE_LIB_QUANTIZER_GROUPQUANTIZER_H

#include <cstdint>
#include <span>
#include <vector>

namespace yoke {

/// What a scale is stored as.
enum class ScaleType { BFloat16, Float16, Float32 };

/// How a row is cut into groups that share a scale, and what is kept of each.
struct QuantFormat {
  int bits;      ///< of an element, 4 or 8
  int64_t group; ///< elements; the last group of a row may have fewer
  ScaleType scale = ScaleType::BFloat16;
  bool asymmetric = false; ///< each group has a zero point of its own
  /// Chooses the scale that loses least: the sum of the squared errors, each weighted by the square of what is rounded.
  /// Otherwise the group's extremes give the scale.
  bool searched = false;

  int64_t groupsOf(int64_t inputs) const { return (inputs + group - 1) / group; }
  /// The largest element, and the zero point of a symmetric format.
  int largest() const { return (1 << bits) - 1; }
  int middle() const { return 1 << (bits - 1); }
};

/// A row: element k is scales[g] * (values[k] - zeros[g]) for k in group g.
struct QuantizedRow {
  std::vector<uint8_t> values;
  std::vector<float> scales;
  std::vector<float> zeros; ///< whole numbers from 0 to QuantFormat::largest
};

/// Quantises `row`. A group with an element that is not finite gets a scale that is not a number.
void quantizeRow(const QuantFormat &format, std::span<const float> row, QuantizedRow &out);

/// Element by element, in float32. `out` has as many elements as the row.
void dequantizeRow(const QuantFormat &format, const QuantizedRow &row, std::span<float> out);

/// Rounds activations: each `run` elements (the last run may have fewer) become integers of at most `largest` in
/// magnitude times one float32 step, as `x_type` of `llm.linear` says; `row` holds their products afterwards.
void roundActivations(std::span<float> row, int64_t run, float largest);

} // namespace yoke

#endif // YOKE_LIB_QUANTIZER_GROUPQUANTIZER_H
