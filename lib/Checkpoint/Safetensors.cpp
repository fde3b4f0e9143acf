#include "Checkpoint/Safetensors.h"

#include "Checkpoint/SafetensorsHeader.h"
#include "Support/Text.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace yoke {
namespace {

/// The JSON text of the header.
Result<std::string_view> headerText(std::span<const std::byte> file, std::string_view source, uint64_t limit) {
  if (file.size() < 8)
    return malformed("{}: header length: the file has {} bytes, 8 are needed", source, file.size());
  uint64_t length;
  memcpy(&length, file.data(), 8);
  if (length == 0)
    return malformed("{}: header length: 0 bytes", source);
  if (length > limit)
    return malformed("{}: header length: {} bytes exceed the limit of {}", source, length, limit);
  if (length > file.size() - 8)
    return malformed("{}: header length: {} bytes, but the file has {} after the length", source, length,
                     file.size() - 8);
  std::string_view header(reinterpret_cast<const char *>(file.data()) + 8, length);
  if (header[0] != '{')
    return malformed("{}: header: must begin with \"{{\", found {}", source, quote(header, 8));
  if (size_t at = header.find('\0'); at != std::string_view::npos)
    return malformed("{}: header: NUL byte at offset {}", source, 8 + at);
  return header;
}

std::string place(const TensorInfo &tensor) {
  return fmt::format("tensor {} [{}, {})", quote(tensor.name), tensor.begin, tensor.end);
}

/// Tensors, sorted by offset, must cover the data section exactly.
Status checkTiling(std::span<const TensorInfo> tensors, uint64_t dataBytes, std::string_view source) {
  const TensorInfo *previous = nullptr;
  uint64_t covered = 0;
  for (const TensorInfo &tensor : tensors) {
    if (tensor.begin != covered && !previous)
      return malformed("{}: data_offsets: {} is the first but does not begin at 0", source, place(tensor));
    if (tensor.begin < covered)
      return malformed("{}: data_offsets: {} overlaps {}", source, place(tensor), place(*previous));
    if (tensor.begin > covered)
      return malformed("{}: data_offsets: hole between {} and {}", source, place(*previous), place(tensor));
    covered = tensor.end;
    previous = &tensor;
  }
  if (covered != dataBytes)
    return malformed("{}: data section: the header describes {} bytes, the file holds {}", source, covered, dataBytes);
  return {};
}

} // namespace

int64_t TensorInfo::elementCount() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), [](int64_t product, int64_t dimension) {
    return dimension == 0 || product == 0 ? 0 : product * dimension;
  });
}

const TensorInfo *SafetensorsTable::find(std::string_view name) const {
  auto it = std::lower_bound(byName.begin(), byName.end(), name,
                             [&](uint32_t index, std::string_view wanted) { return table[index].name < wanted; });
  return it == byName.end() || table[*it].name != name ? nullptr : &table[*it];
}

Result<SafetensorsTable> parseSafetensors(std::span<const std::byte> file, std::string_view source,
                                          SafetensorsLimits limits) {
  std::string_view header = YOKE_TRY(headerText(file, source, limits.headerBytes));
  detail::SafetensorsHeaderReader reader(limits);
  if (!Json::sax_parse(header.begin(), header.end(), &reader))
    return malformed("{}: {}", source, reader.problem);

  SafetensorsTable out;
  out.dataBegin = 8 + header.size();
  out.names = std::move(reader.names);
  out.dimensions = std::move(reader.dimensions);
  out.metadataPairs = std::move(reader.metadata);
  out.warningLines = std::move(reader.warnings);
  out.table.reserve(reader.entries.size());
  for (const auto &entry : reader.entries) {
    TensorInfo &tensor = out.table.emplace_back();
    tensor.name = {out.names.data() + entry.nameOffset, entry.nameLength};
    tensor.shape = {out.dimensions.data() + entry.shapeOffset, entry.rank};
    tensor.begin = entry.begin;
    tensor.end = entry.end;
    tensor.dtype = entry.dtype;
  }
  std::ranges::sort(out.table, {}, [](const TensorInfo &tensor) { return std::tuple(tensor.begin, tensor.end); });

  out.byName.resize(out.table.size());
  std::iota(out.byName.begin(), out.byName.end(), 0);
  std::ranges::sort(out.byName, {}, [&](uint32_t index) { return out.table[index].name; });
  auto duplicate = std::ranges::adjacent_find(out.byName, {}, [&](uint32_t index) { return out.table[index].name; });
  if (duplicate != out.byName.end())
    return malformed("{}: duplicate key {}", source, quote(out.table[*duplicate].name));

  YOKE_TRY(checkTiling(out.table, file.size() - out.dataBegin, source));
  return out;
}

} // namespace yoke
