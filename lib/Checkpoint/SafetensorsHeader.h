// The JSON header of a safetensors file as a stream of events; used by Safetensors.cpp alone.
#pragma once

#include "Checkpoint/Safetensors.h"
#include "Support/Json.h"

#include <set>

namespace yoke::detail {

/// Fills flat arrays from the header's JSON, checking each tensor by itself. Every callback returns false once
/// `problem` is set.
class SafetensorsHeaderReader final : public JsonSax {
public:
  struct Entry {
    uint64_t nameOffset;
    uint64_t shapeOffset;
    uint64_t begin;
    uint64_t end;
    uint32_t nameLength;
    uint16_t rank;
    DType dtype;
  };

  explicit SafetensorsHeaderReader(const SafetensorsLimits &limits) : limits(limits) {}

  std::vector<Entry> entries;
  std::vector<char> names;
  std::vector<int64_t> dimensions;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string> warnings;
  std::string problem;

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(int64_t value) override;
  bool number_unsigned(uint64_t value) override;
  bool number_float(double value, const std::string &text) override;
  bool string(std::string &value) override;
  bool binary(Json::binary_t &) override { return false; }
  bool start_object(size_t) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool key(std::string &name) override;
  bool parse_error(size_t, const std::string &, const JsonSyntaxError &error) override;

private:
  /// What the next event is about.
  enum class State {
    Start,
    Tensors, ///< among the members of the whole
    TensorValue,
    Fields, ///< among the members of one tensor
    DtypeValue,
    ShapeValue,
    ShapeElements,
    OffsetsValue,
    OffsetsElements,
    UnknownValue, ///< inside a field that is not ours
    MetadataValue,
    MetadataKeys,
    MetadataString,
    End,
  };

  bool fail(std::string message);
  bool failTensor(std::string_view rule);
  bool unexpected(std::string_view found);
  bool scalar(std::string_view found);
  bool tensorKey(std::string &name);
  bool fieldKey(const std::string &name);
  bool finishTensor();
  void warn(std::string line);

  const SafetensorsLimits &limits;
  State state = State::Start;
  size_t unknownDepth = 0;
  size_t warningCount = 0;

  std::string tensorName;
  std::vector<std::string> seenFields;
  Entry entry;
  uint64_t offsets[2];
  size_t offsetCount = 0;

  bool seenMetadata = false;
  std::string metadataKey;
  std::set<std::string, std::less<>> metadataKeys;
};

} // namespace yoke::detail
