//===- LatentAttention.cpp - DeepSeek's multi-head latent attention -------===//
#include "Import/LatentAttention.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

/// The square of yarn's magnitude, by which transformers scales the scores too.
static double ropeScale(ConfigReader &config) {
  std::optional<JsonObject> rope = config.object("rope_parameters");
  if (std::optional<JsonObject> scaling = config.object("rope_scaling"))
    rope = scaling;
  if (!rope)
    return 1;
  std::string_view key = rope->has("rope_type") || !rope->has("type") ? "rope_type" : "type";
  double mscale = config.take(rope->number("mscale_all_dim", 0, 1e6, 0.0), 0.0);
  if (mscale == 0 || config.take(rope->string(key, "default"), std::string("default")) == "default")
    return 1;
  double factor = config.take(rope->number("factor", 1e-6, 1e6), 1.0);
  double magnitude = factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
  return magnitude * magnitude;
}

std::pair<DecoderConfig, LatentConfig> yoke::import::readLatentDecoder(ConfigReader &config, int64_t positionsDefault) {
  DecoderConfig d =
      readDecoder(config, {.positions = positionsDefault, .headDim = 64, .headDimKey = "qk_rope_head_dim"});
  config.accept({"head_dim", "qk_head_dim"}); // follow from the others
  config.require(d.shape.kvHeads == d.heads, "num_key_value_heads",
                 fmt::format("{} must be num_attention_heads {}", d.shape.kvHeads, d.heads));
  d.windows.resize(d.shape.layers); // none

  LatentConfig latent;
  latent.queryRank = config.optionalInteger("q_lora_rank", 1, maxWidth, 1536);
  latent.rank = config.integer("kv_lora_rank", 1, maxHeads, 512);
  latent.plain = config.integer("qk_nope_head_dim", 1, maxHeads, 128);
  latent.value = config.integer("v_head_dim", 1, maxHeads, 128);
  latent.rotating = d.shape.headDim;
  latent.bias = config.boolean("attention_bias", false);
  latent.scale = ropeScale(config) / std::sqrt(static_cast<double>(latent.plain + latent.rotating));

  d.shape.kvHeads = 1;
  d.shape.headDim = latent.rotating + latent.rank;
  return {d, latent};
}

namespace {
class LatentWriter {
public:
  LatentWriter(ModelBuilder &model, const DecoderConfig &decoder, const LatentConfig &config, const std::string &prefix)
      : model(model), decoder(decoder), config(config), heads(decoder.heads), prefix(prefix + ".") {}

  Value query(Value x, const Rope &rope) {
    std::string name = config.queryRank ? "q_b_proj" : "q_proj";
    if (config.queryRank) {
      x = model.linear(x, prefix + "q_a_proj", *config.queryRank, config.bias);
      x = model.rmsNorm(x, prefix + "q_a_layernorm", *config.queryRank, normEpsilon);
    }
    int64_t head = config.plain + config.rotating, all = heads * head;
    std::vector<TensorRows> parts;
    for (int64_t h = 0; h < heads; ++h)
      addRotating(parts, name + ".weight", {all, columnsOf(x)}, h * head + config.plain);
    Value rotating =
        model.linear(x, model.stack(prefix + name + ".rotating", {heads * config.rotating, columnsOf(x)}, parts));
    Value plain = model.linear(x, model.part(prefix + name + ".plain", {heads * config.plain, columnsOf(x)},
                                             prefix + name + ".weight", {all, columnsOf(x)},
                                             {.offset = 0, .block = config.plain, .stride = head, .count = heads}));
    Value latent = model.headLinear(plain, keyMatrices(), 0);
    return model.rotate(model.concatHeads(rotating, latent, heads), rope, config.rotating + config.rank);
  }

  /// [T, rotating + rank]
  Value keyValue(Value x) {
    std::string name = "kv_a_proj_with_mqa";
    std::vector<int64_t> shape = {config.rank + config.rotating, columnsOf(x)}, size = {config.rank + config.rotating};
    std::vector<TensorRows> weights, biases;
    addRotating(weights, name + ".weight", shape, config.rank);
    addRotating(biases, name + ".bias", size, config.rank);
    auto bias = [&](const char *part, int64_t elements, ArrayRef<TensorRows> parts) {
      return config.bias ? model.stack(prefix + name + part, {elements}, parts) : Value();
    };
    Rows latentRows = Rows::range(0, config.rank);
    Value latent =
        model.linear(x,
                     model.part(prefix + name + ".latent", {config.rank, columnsOf(x)}, prefix + name + ".weight",
                                shape, latentRows),
                     bias(".latent_bias", config.rank, TensorRows{prefix + name + ".bias", size, latentRows}));
    Value rotating = model.linear(x, model.stack(prefix + name + ".rotating", {config.rotating, columnsOf(x)}, weights),
                                  bias(".rotating_bias", config.rotating, biases));
    latent = model.rmsNorm(latent, prefix + "kv_a_layernorm", config.rank, normEpsilon);
    return model.concatHeads(rotating, latent, 1);
  }

  Value output(Value attended) {
    int64_t head = config.plain + config.value;
    Value matrices = model.part(prefix + "kv_b_proj.value", {heads, config.value, config.rank},
                                prefix + "kv_b_proj.weight", {heads * head, config.rank},
                                {.offset = config.plain, .block = config.value, .stride = head, .count = heads});
    return model.linear(model.headLinear(attended, matrices, config.rotating), prefix + "o_proj", decoder.shape.hidden,
                        config.bias);
  }

private:
  static int64_t columnsOf(Value x) { return cast<RankedTensorType>(x.getType()).getDimSize(1); }

  /// The rotating rows from `first` on, in an order in which they rotate as halves.
  void addRotating(std::vector<TensorRows> &parts, const std::string &tensor, const std::vector<int64_t> &shape,
                   int64_t first) {
    int64_t half = config.rotating / 2;
    if (!config.isInterleaved)
      return parts.push_back({prefix + tensor, shape, Rows::range(first, config.rotating)});
    for (int64_t i : {0, 1})
      parts.push_back({prefix + tensor, shape, {.offset = first + i, .block = 1, .stride = 2, .count = half}});
  }

  /// [heads, rank, plain]: what takes a head's query to the latent space, the transpose of what makes keys of latents.
  Value keyMatrices() {
    int64_t head = config.plain + config.value;
    std::vector<TensorRows> parts;
    for (int64_t h = 0; h < heads; ++h) {
      Rows rows = Rows::transposedRange(0, config.rank);
      rows.firstColumn = h * head;
      rows.columns = config.plain;
      parts.push_back({prefix + "kv_b_proj.weight", {heads * head, config.rank}, rows});
    }
    return model.stack(prefix + "kv_b_proj.key", {heads, config.rank, config.plain}, parts);
  }

  /// Of the latents' norms, whatever config.json says of the others.
  static constexpr double normEpsilon = 1e-6;

  ModelBuilder &model;
  const DecoderConfig &decoder;
  const LatentConfig &config;
  int64_t heads;
  std::string prefix;
};
} // namespace

Value yoke::import::latentAttention(ModelBuilder &model, const DecoderConfig &decoder, const LatentConfig &config,
                                    int64_t layer, Value x, const std::string &prefix) {
  LatentWriter writer(model, decoder, config, prefix);
  const Rope &rope = decoder.rope(layer);
  Value q = writer.query(x, rope), keyValue = writer.keyValue(x);
  AttentionShape shape{.heads = decoder.heads, .kvHeads = 1, .layer = layer, .scale = static_cast<float>(config.scale)};
  return writer.output(model.attention(q, model.rotate(keyValue, rope, decoder.shape.headDim), keyValue, shape));
}
