// Writing a safetensors file, tensor after tensor.
#pragma once

#include "Checkpoint/DType.h"
#include "Support/File.h"

#include <string>
#include <vector>

namespace yoke {

struct NewTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape; ///< row-major
};

class SafetensorsWriter {
public:
  /// Starts the file `path`, which appears whole at finish(), with the table of `tensors`; their bytes follow in the
  /// same order. Errors: Resources; Usage when two tensors have one name.
  static Result<SafetensorsWriter> create(const std::string &path, const std::vector<NewTensor> &tensors);

  /// The next bytes of the data section.
  Status append(std::span<const std::byte> bytes) { return file.append(bytes); }
  /// Error (Usage): more or fewer bytes than the tensors have.
  Status finish();

private:
  SafetensorsWriter(AtomicFile file, uint64_t size) : file(std::move(file)), expectedSize(size) {}

  AtomicFile file;
  uint64_t expectedSize;
};

} // namespace yoke
