// A safetensors file: whatever is accepted must describe exactly the file's bytes.
#include "Checkpoint/Safetensors.h"

#include <cstdlib>

using namespace yoke;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto file = std::as_bytes(std::span(data, size));
  Result<SafetensorsTable> table = parseSafetensors(file, "fuzz");
  if (!table)
    return 0;
  uint64_t covered = 0;
  for (const TensorInfo &tensor : table->tensors()) {
    if (tensor.begin != covered || table->find(tensor.name) != &tensor ||
        static_cast<uint64_t>(tensor.elementCount()) * dtypeBits(tensor.dtype) != tensor.byteSize() * 8)
      abort();
    covered = tensor.end;
    if (isConvertibleToFloat(tensor.dtype)) {
      std::vector<float> values(static_cast<size_t>(tensor.elementCount()));
      convertToFloat(tensor.dtype, file.subspan(table->dataOffset() + tensor.begin, tensor.byteSize()), values);
    }
  }
  if (table->dataOffset() + covered != size)
    abort();
  return 0;
}
