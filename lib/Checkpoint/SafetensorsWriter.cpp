#include "Checkpoint/SafetensorsWriter.h"

#include "Support/Json.h"
#include "Support/Text.h"

#include <bit>
#include <cstring>

namespace yoke {

static uint64_t byteSize(const NewTensor &tensor) {
  uint64_t bits = dtypeBits(tensor.dtype);
  for (int64_t size : tensor.shape)
    bits *= uint64_t(size);
  return bits / 8;
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string &path, const std::vector<NewTensor> &tensors) {
  // transformers reads files of this format only.
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  uint64_t offset = 0;
  for (const NewTensor &tensor : tensors) {
    if (header.contains(tensor.name))
      return usageError("{}: two tensors have the name {}", printable(path, 4096), quote(tensor.name));
    uint64_t end = offset + byteSize(tensor);
    header[tensor.name] = {
        {"dtype", dtypeName(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = dumpJson(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  static_assert(std::endian::native == std::endian::little);
  std::array<std::byte, 8> length;
  uint64_t size = text.size();
  std::memcpy(length.data(), &size, sizeof size);
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(length));
  YOKE_TRY(file.append(text));
  uint64_t total = file.size() + offset;
  return SafetensorsWriter(std::move(file), total);
}

Status SafetensorsWriter::finish() {
  if (file.size() != expectedSize)
    return usageError("a safetensors file of {} bytes was given {}", expectedSize, file.size());
  return file.commit();
}

} // namespace yoke
