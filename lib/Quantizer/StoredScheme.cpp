//===- StoredScheme.cpp - how a checkpoint stores quantised matrices ------===//
#include "Quantizer/StoredScheme.h"

#include "Support/Text.h"

using namespace yoke;

static constexpr int64_t maxGroup = int64_t(1) << 24;

/// A group size; -1 stands for whole rows.
static Result<int64_t> readGroup(const JsonObject &config, std::string_view key, int64_t otherwise) {
  int64_t group = YOKE_TRY(config.integer(key, -1, maxGroup, otherwise));
  if (group == 0 || (group > 0 && group % 32 != 0))
    return config.error(key, fmt::format("expected -1 or a multiple of 32, found {}", group));
  return std::max<int64_t>(group, 0);
}

static Result<int> readBits(const JsonObject &config, std::string_view key) {
  int64_t bits = YOKE_TRY(config.integer(key, 1, 64));
  if (bits != 4 && bits != 8)
    return config.error(key, fmt::format("expected 4 or 8, found {}", bits));
  return static_cast<int>(bits);
}

static Result<StoredScheme> readGptq(const JsonObject &config) {
  StoredScheme scheme{StoredScheme::Kind::Gptq, YOKE_TRY(readBits(config, "bits")), 0, false};
  scheme.group = YOKE_TRY(readGroup(config, "group_size", 128));
  scheme.asymmetric = !YOKE_TRY(config.boolean("sym", true));
  std::string format = YOKE_TRY(config.string("checkpoint_format", "gptq"));
  if (format != "gptq")
    return config.error("checkpoint_format", fmt::format("expected \"gptq\", found {}", quote(format)));
  return scheme;
}

static Result<StoredScheme> readAwq(const JsonObject &config) {
  std::string_view bitsKey = config.has("bits") ? "bits" : "w_bit";
  if (int bits = YOKE_TRY(readBits(config, bitsKey)); bits != 4)
    return config.error(bitsKey, fmt::format("expected 4, found {}", bits));
  StoredScheme scheme{StoredScheme::Kind::Awq, 4, 0, true};
  scheme.group = YOKE_TRY(readGroup(config, config.has("group_size") ? "group_size" : "q_group_size", 128));
  std::string version = YOKE_TRY(config.string("version", "gemm"));
  if (version != "gemm" && version != "GEMM")
    return config.error("version", fmt::format("expected \"gemm\", found {}", quote(version)));
  return scheme;
}

static Result<StoredScheme> readCompressed(const JsonObject &config) {
  std::string format = YOKE_TRY(config.string("format", ""));
  if (format != "pack-quantized" && format != "int-quantized")
    return config.error("format",
                        fmt::format("expected \"pack-quantized\" or \"int-quantized\", found {}", quote(format)));
  JsonObject groups = YOKE_TRY(config.object("config_groups"));
  if (groups.json().size() != 1)
    return config.error("config_groups", fmt::format("expected one group, found {}", groups.json().size()));
  JsonObject group = YOKE_TRY(groups.object(groups.json().begin().key()));
  for (const std::string &target : YOKE_TRY(group.strings("targets", 64)))
    if (target != "Linear")
      return group.error("targets", fmt::format("expected \"Linear\" alone, found {}", quote(target)));
  JsonObject weights = YOKE_TRY(group.object("weights"));
  if (std::string type = YOKE_TRY(weights.string("type", "int")); type != "int")
    return weights.error("type", fmt::format("expected \"int\", found {}", quote(type)));
  bool isPacked = format == "pack-quantized";
  StoredScheme scheme{isPacked ? StoredScheme::Kind::Packed : StoredScheme::Kind::Int,
                      YOKE_TRY(readBits(weights, "num_bits")), 0, !YOKE_TRY(weights.boolean("symmetric", true))};
  if (!isPacked && scheme.bits != 8)
    return weights.error("num_bits", "expected 8 with the format \"int-quantized\"");
  std::string strategy = YOKE_TRY(weights.string("strategy", weights.has("group_size") ? "group" : "channel"));
  if (strategy != "group" && strategy != "channel")
    return weights.error("strategy", fmt::format("expected \"group\" or \"channel\", found {}", quote(strategy)));
  if (strategy == "group")
    scheme.group = YOKE_TRY(readGroup(weights, "group_size", 128));
  if (weights.has("actorder") && YOKE_TRY(weights.string("actorder")) == "group")
    return weights.error("actorder", "inputs in another order than that of their groups are not supported");
  return scheme;
}

Result<StoredScheme> StoredScheme::read(const JsonObject &config) {
  std::string method = YOKE_TRY(config.string("quant_method", "unnamed"));
  if (method == "gptq")
    return readGptq(config);
  if (method == "awq")
    return readAwq(config);
  if (method == "compressed-tensors")
    return readCompressed(config);
  return config.error("", fmt::format("unsupported quant_method {}; supported: awq, compressed-tensors, gptq, or none "
                                      "(weights in f32, f16 or bf16)",
                                      quote(method)));
}

QuantFormat StoredScheme::formatOf(int64_t inputs, ScaleType scale) const {
  return {.bits = bits, .group = groupOf(inputs), .scale = scale, .asymmetric = asymmetric};
}

std::string StoredScheme::integersOf(const std::string &stem) const {
  switch (kind) {
  case Kind::Gptq:
  case Kind::Awq:
    return stem + ".qweight";
  case Kind::Packed:
    return stem + ".weight_packed";
  case Kind::Int:
    break;
  }
  return stem + ".weight";
}

std::string StoredScheme::scalesOf(const std::string &stem) const {
  return stem + (kind == Kind::Gptq || kind == Kind::Awq ? ".scales" : ".weight_scale");
}

std::vector<ExpectedTensor> StoredScheme::tensorsOf(const std::string &stem, int64_t outputs, int64_t inputs) const {
  int64_t perWord = 32 / bits, groups = formatOf(inputs, ScaleType::Float32).groupsOf(inputs);
  auto words = [&](int64_t elements) { return (elements + perWord - 1) / perWord; };
  std::string integers = integersOf(stem), scales = scalesOf(stem);
  switch (kind) {
  case Kind::Gptq:
    return {{integers, {words(inputs), outputs}},
            {scales, {groups, outputs}},
            {stem + ".qzeros", {groups, words(outputs)}}};
  case Kind::Awq:
    return {{integers, {inputs, words(outputs)}},
            {scales, {groups, outputs}},
            {stem + ".qzeros", {groups, words(outputs)}}};
  case Kind::Packed:
  case Kind::Int:
    break;
  }
  std::vector<ExpectedTensor> tensors = {{integers, {outputs, kind == Kind::Packed ? words(inputs) : inputs}},
                                         {scales, {outputs, groups}}};
  if (asymmetric)
    tensors.push_back({stem + ".weight_zero_point", {kind == Kind::Packed ? words(outputs) : outputs, groups}});
  return tensors;
}

bool StoredScheme::mayBeExtra(std::string_view name) {
  for (std::string_view ending : {".g_idx", ".weight_shape", ".weight_g_idx", ".input_scale", ".input_zero_point",
                                  ".output_scale", ".output_zero_point", ".weight_zero_point"})
    if (name.ends_with(ending))
      return true;
  return false;
}
