//===- Phi3.cpp - Phi-3 and Phi-4 (text) ----------------------------------===//
//
// Llama's layers with q, k, v and gate, up stored as one matrix each.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderLayers.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static Value fusedAttention(ModelBuilder &model, const DecoderConfig &d, int64_t layer, Value x,
                            const std::string &prefix) {
  int64_t q = d.queryColumns(), kv = d.keyColumns(), hidden = d.shape.hidden;
  auto project = [&](const char *name, int64_t offset, int64_t size) {
    return model.linear(x, model.part(fmt::format("{}.{}.weight", prefix, name), {size, hidden},
                                      prefix + ".qkv_proj.weight", {q + 2 * kv, hidden}, Rows::range(offset, size)));
  };
  Value attended =
      attend(model, d, layer, project("q_proj", 0, q), project("k_proj", q, kv), project("v_proj", q + kv, kv));
  return model.linear(attended, prefix + ".o_proj", hidden, false);
}

static Value fusedMlp(ModelBuilder &model, const DecoderConfig &d, Value x, const std::string &prefix) {
  int64_t inner = d.intermediate, hidden = d.shape.hidden;
  auto project = [&](const char *name, int64_t offset) {
    return model.linear(x,
                        model.part(fmt::format("{}.{}.weight", prefix, name), {inner, hidden},
                                   prefix + ".gate_up_proj.weight", {2 * inner, hidden}, Rows::range(offset, inner)));
  };
  Value gate = project("gate_proj", 0), up = project("up_proj", inner);
  return model.linear(model.gated(d.activation, gate, up), prefix + ".down_proj", hidden, false);
}

static Status build(ConfigReader &config, ModelBuilder &model) {
  RopeSpelling rope = {.partial = "partial_rotary_factor", .onlyLongRope = true, .originalPositionsDefault = 4096};
  DecoderConfig d = readDecoder(config, {.positions = 4096, .epsilon = 1e-5, .rope = rope});
  d.windows = readUniformWindow(config, d.shape.layers, std::nullopt);
  auto attention = [&](Value x, int64_t layer, const std::string &prefix) {
    return fusedAttention(model, d, layer, x, prefix + ".self_attn");
  };
  return buildPreNormDecoder(model, config, d, attention, [&](Value x, int64_t, const std::string &prefix) {
    return fusedMlp(model, d, x, prefix + ".mlp");
  });
}

namespace yoke::import {
extern const Family Phi3Family = {
    .architectures = {"Phi3ForCausalLM"},
    .modelType = "phi3",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 1, .eos = 32000, .pad = 32000},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
