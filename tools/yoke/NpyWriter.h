#pragma once

#include "Support/File.h"

#include <span>

namespace yoke::cli {

/// Writes a float32 matrix as a NumPy .npy file (format 1.0), row by row; the file appears when it is complete.
class NpyWriter {
public:
  /// Error: Resources.
  static Result<NpyWriter> create(const std::string &path, int64_t rows, int64_t columns);
  /// `values` continues the matrix in row-major order.
  Status append(std::span<const float> values) { return file.append(std::as_bytes(values)); }
  Status finish() { return file.commit(); }

private:
  explicit NpyWriter(AtomicFile file) : file(std::move(file)) {}
  AtomicFile file;
};

} // namespace yoke::cli
