// The table of a safetensors file (https://github.com/huggingface/safetensors), read without trusting it.
#pragma once

#include "Checkpoint/DType.h"
#include "Support/Error.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace yoke {

/// One tensor. Views point into the table that holds it.
struct TensorInfo {
  std::string_view name;
  std::span<const int64_t> shape; ///< row-major; empty for a scalar; no product of non-zero dimensions overflows int64
  uint64_t begin = 0;             ///< bytes from the start of the data section
  uint64_t end = 0;
  uint32_t file = 0; ///< which shard of a checkpoint
  DType dtype = DType::F32;

  uint64_t byteSize() const { return end - begin; }
  int64_t elementCount() const;
};

struct SafetensorsLimits {
  uint64_t headerBytes = 100'000'000; ///< as the reference implementation
  size_t tensors = size_t(1) << 20;
  size_t nameBytes = 4096;
  size_t rank = 32;
};

class SafetensorsTable {
public:
  /// In the order of their bytes: tensors tile the data section without hole or overlap.
  std::span<const TensorInfo> tensors() const { return table; }
  /// nullptr when there is none.
  const TensorInfo *find(std::string_view name) const;
  /// Where the data section starts in the file.
  uint64_t dataOffset() const { return dataBegin; }
  std::span<const std::pair<std::string, std::string>> metadata() const { return metadataPairs; }
  /// Oddities that the format allows, one line each, without the file's name.
  std::span<const std::string> warnings() const { return warningLines; }

private:
  friend Result<SafetensorsTable> parseSafetensors(std::span<const std::byte> file, std::string_view source,
                                                   SafetensorsLimits limits);
  friend class Checkpoint;

  std::vector<TensorInfo> table;
  std::vector<uint32_t> byName;
  std::vector<char> names;
  std::vector<int64_t> dimensions;
  std::vector<std::pair<std::string, std::string>> metadataPairs;
  std::vector<std::string> warningLines;
  uint64_t dataBegin = 0;
};

/// Reads the header of `file`, the bytes of a whole safetensors file, and checks that it describes exactly the bytes
/// that follow. Stricter than the reference where its specification is: duplicate tensor names and metadata keys and a
/// leading space are refused; so are names with NUL. Time and memory are linear in the header (times log for sorting).
/// `source` names the file in messages.
Result<SafetensorsTable> parseSafetensors(std::span<const std::byte> file, std::string_view source,
                                          SafetensorsLimits limits = {});

} // namespace yoke
