#include "Checkpoint/SafetensorsHeader.h"

#include "Support/Text.h"

#include <algorithm>

namespace yoke::detail {

bool SafetensorsHeaderReader::fail(std::string message) {
  problem = std::move(message);
  return false;
}

bool SafetensorsHeaderReader::failTensor(std::string_view rule) {
  return fail(fmt::format("tensor {}: {}", quote(tensorName), rule));
}

void SafetensorsHeaderReader::warn(std::string line) {
  constexpr size_t shown = 5;
  if (++warningCount <= shown)
    warnings.push_back(std::move(line));
  else if (warningCount == shown + 1)
    warnings.push_back("more warnings about the header are not shown");
}

bool SafetensorsHeaderReader::unexpected(std::string_view found) {
  switch (state) {
  case State::TensorValue:
    return failTensor(fmt::format("expected an object, found {}", found));
  case State::DtypeValue:
    return failTensor(fmt::format("dtype: expected a string, found {}", found));
  case State::ShapeValue:
    return failTensor(fmt::format("shape: expected an array, found {}", found));
  case State::ShapeElements:
    return failTensor(fmt::format("shape: expected an unsigned integer, found {}", found));
  case State::OffsetsValue:
    return failTensor(fmt::format("data_offsets: expected an array, found {}", found));
  case State::OffsetsElements:
    return failTensor(fmt::format("data_offsets: expected an unsigned integer, found {}", found));
  case State::MetadataValue:
    return fail(fmt::format("__metadata__: expected an object, found {}", found));
  case State::MetadataString:
    return fail(fmt::format("__metadata__: {}: expected a string, found {}", quote(metadataKey), found));
  default:
    return fail(fmt::format("header: expected an object, found {}", found));
  }
}

bool SafetensorsHeaderReader::scalar(std::string_view found) {
  if (state != State::UnknownValue)
    return unexpected(found);
  if (unknownDepth == 0)
    state = State::Fields;
  return true;
}

bool SafetensorsHeaderReader::null() {
  if (state == State::MetadataValue) {
    warn("__metadata__ is null");
    state = State::Tensors;
    return true;
  }
  return scalar("null");
}

bool SafetensorsHeaderReader::boolean(bool value) { return scalar(value ? "true" : "false"); }

bool SafetensorsHeaderReader::number_integer(int64_t value) {
  return scalar(value == 0 ? "-0" : std::to_string(value));
}

bool SafetensorsHeaderReader::number_float(double, const std::string &text) { return scalar(printable(text)); }

bool SafetensorsHeaderReader::number_unsigned(uint64_t value) {
  if (state == State::ShapeElements) {
    if (entry.rank == limits.rank)
      return failTensor(fmt::format("shape: more than {} dimensions", limits.rank));
    if (value > static_cast<uint64_t>(INT64_MAX))
      return failTensor(fmt::format("shape: overflow: dimension {} exceeds 2^63 - 1", value));
    dimensions.push_back(static_cast<int64_t>(value));
    ++entry.rank;
    return true;
  }
  if (state == State::OffsetsElements) {
    if (offsetCount < 2)
      offsets[offsetCount] = value;
    ++offsetCount;
    return true;
  }
  return scalar(std::to_string(value));
}

bool SafetensorsHeaderReader::string(std::string &value) {
  if (state == State::MetadataString) {
    metadata.emplace_back(std::move(metadataKey), std::move(value));
    state = State::MetadataKeys;
    return true;
  }
  if (state != State::DtypeValue)
    return scalar(quote(value));
  std::optional<DType> dtype = dtypeFromName(value);
  if (!dtype)
    return failTensor(fmt::format("dtype: unknown {}; known: {}", quote(value), dtypeNames()));
  entry.dtype = *dtype;
  state = State::Fields;
  return true;
}

bool SafetensorsHeaderReader::start_object(size_t) {
  switch (state) {
  case State::Start:
    state = State::Tensors;
    return true;
  case State::TensorValue:
    entry = {};
    entry.shapeOffset = dimensions.size();
    offsetCount = 0;
    seenFields.clear();
    state = State::Fields;
    return true;
  case State::MetadataValue:
    state = State::MetadataKeys;
    return true;
  case State::UnknownValue:
    return start_array(0);
  default:
    return unexpected("an object");
  }
}

bool SafetensorsHeaderReader::start_array(size_t) {
  constexpr size_t maxDepth = 64;
  switch (state) {
  case State::ShapeValue:
    state = State::ShapeElements;
    return true;
  case State::OffsetsValue:
    state = State::OffsetsElements;
    return true;
  case State::UnknownValue:
    return ++unknownDepth <= maxDepth || failTensor(fmt::format("nested deeper than {} levels", maxDepth));
  default:
    return unexpected("an array");
  }
}

bool SafetensorsHeaderReader::end_array() {
  if (state == State::OffsetsElements && offsetCount != 2)
    return failTensor(fmt::format("data_offsets: expected 2 numbers, found {}", offsetCount));
  if (state != State::UnknownValue || --unknownDepth == 0)
    state = State::Fields;
  return true;
}

bool SafetensorsHeaderReader::end_object() {
  switch (state) {
  case State::Fields:
    return finishTensor();
  case State::MetadataKeys:
    state = State::Tensors;
    return true;
  case State::UnknownValue:
    return end_array();
  default:
    state = State::End;
    return true;
  }
}

bool SafetensorsHeaderReader::key(std::string &name) {
  switch (state) {
  case State::Tensors:
    return tensorKey(name);
  case State::Fields:
    return fieldKey(name);
  case State::MetadataKeys:
    if (!metadataKeys.insert(name).second)
      return fail("__metadata__: duplicate key " + quote(name));
    metadataKey = std::move(name);
    state = State::MetadataString;
    return true;
  default:
    return true;
  }
}

bool SafetensorsHeaderReader::tensorKey(std::string &name) {
  if (name == "__metadata__") {
    if (seenMetadata)
      return fail("duplicate key \"__metadata__\"");
    seenMetadata = true;
    state = State::MetadataValue;
    return true;
  }
  tensorName = std::move(name);
  if (entries.size() == limits.tensors)
    return fail(fmt::format("more than {} tensors", limits.tensors));
  if (tensorName.size() > limits.nameBytes)
    return failTensor(fmt::format("a name of {} bytes exceeds the limit of {}", tensorName.size(), limits.nameBytes));
  if (tensorName.find('\0') != std::string::npos)
    return failTensor("a tensor name must not contain NUL");
  if (tensorName.empty())
    warn("a tensor has an empty name");
  state = State::TensorValue;
  return true;
}

bool SafetensorsHeaderReader::fieldKey(const std::string &name) {
  constexpr size_t maxFields = 16;
  if (std::find(seenFields.begin(), seenFields.end(), name) != seenFields.end())
    return failTensor("duplicate key " + quote(name));
  if (seenFields.size() == maxFields)
    return failTensor(fmt::format("more than {} keys", maxFields));
  seenFields.push_back(name);
  if (name == "dtype")
    state = State::DtypeValue;
  else if (name == "shape")
    state = State::ShapeValue;
  else if (name == "data_offsets")
    state = State::OffsetsValue;
  else {
    warn(fmt::format("tensor {}: unknown key {}", quote(tensorName), quote(name)));
    state = State::UnknownValue;
  }
  return true;
}

bool SafetensorsHeaderReader::finishTensor() {
  for (std::string_view field : {"dtype", "shape", "data_offsets"})
    if (std::find(seenFields.begin(), seenFields.end(), field) == seenFields.end())
      return failTensor(fmt::format("{} is missing", field));
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.end < entry.begin)
    return failTensor(fmt::format("data_offsets: end {} < begin {}", entry.end, entry.begin));

  bool empty = false, overflow = false;
  int64_t elements = 1, bits = 0;
  for (size_t i = entry.shapeOffset; i < dimensions.size(); ++i) {
    empty |= dimensions[i] == 0;
    overflow |= dimensions[i] != 0 && __builtin_mul_overflow(elements, dimensions[i], &elements);
  }
  if (overflow || __builtin_mul_overflow(elements, int64_t(dtypeBits(entry.dtype)), &bits))
    return failTensor("shape: overflow: the number of bits exceeds 2^63 - 1");
  if (empty)
    bits = 0;
  if (bits % 8 != 0)
    return failTensor(fmt::format("{} bits of {} are not a whole number of bytes", bits, dtypeName(entry.dtype)));
  if (uint64_t bytes = static_cast<uint64_t>(bits / 8); bytes != entry.end - entry.begin)
    return failTensor(fmt::format("shape and dtype {} need {} bytes, data_offsets [{}, {}] give {}",
                                  dtypeName(entry.dtype), bytes, entry.begin, entry.end, entry.end - entry.begin));

  entry.nameOffset = names.size();
  entry.nameLength = static_cast<uint32_t>(tensorName.size());
  names.insert(names.end(), tensorName.begin(), tensorName.end());
  entries.push_back(entry);
  state = State::Tensors;
  return true;
}

bool SafetensorsHeaderReader::parse_error(size_t, const std::string &, const JsonSyntaxError &error) {
  return fail("header: " + describeJsonError(error));
}

} // namespace yoke::detail
