//===- StoredMatrix.h - rows of a quantised matrix of a checkpoint --------===//
#ifndef YOKE_LIB_QUANTIZER_STOREDMATRIX_H
#define YOKE_LIB_QUANTIZER_STOREDMATRIX_H

#include "Quantizer/StoredScheme.h"

namespace yoke {

/// Reads the integers and scales that a checkpoint stores. The checkpoint must outlive it.
class StoredMatrix {
public:
  /// The matrix whose integers are in the tensor `integers` (see StoredScheme). Its kind follows from the tensor's
  /// name, type and shape; `format` says what its elements are. Errors (Malformed) name the tensor: one that is missing
  /// or of another shape or type, inputs that are not in the order of their groups, zero points where the format has
  /// none.
  static Result<StoredMatrix> open(const Checkpoint &checkpoint, std::string_view integers, const QuantFormat &format,
                                   int64_t inputs);

  int64_t rows() const { return outputs; }

  /// Row `row`, 0 <= row < rows().
  void readRow(int64_t row, QuantizedRow &out) const;

private:
  StoredMatrix(const Checkpoint &checkpoint, const QuantFormat &format, int64_t inputs)
      : checkpoint(&checkpoint), format(format), inputs(inputs) {}

  Status findTensors(const std::string &stem);
  Status checkOrder(const std::string &stem) const;
  Status checkZeros(const std::string &stem) const;
  uint32_t wordAt(const TensorInfo &tensor, int64_t index) const;
  uint8_t elementAt(const TensorInfo &tensor, int64_t row, int64_t word, int64_t place) const;
  uint8_t valueAt(int64_t row, int64_t input) const;
  float scaleAt(int64_t row, int64_t group) const;
  float zeroAt(int64_t row, int64_t group) const;
  int64_t perWord() const { return 32 / format.bits; }

  const Checkpoint *checkpoint;
  QuantFormat format;
  int64_t inputs, outputs = 0;
  StoredScheme::Kind kind = StoredScheme::Kind::Int;
  const TensorInfo *integers = nullptr, *scales = nullptr, *zeros = nullptr; ///< zeros: null when there are none
};

} // namespace yoke

#endif // YOKE_LIB_QUANTIZER_STOREDMATRIX_H
