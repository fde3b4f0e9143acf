#include "Simulator/Model.h"

#include "Support/Json.h"

namespace yoke::sim {
namespace {

ModelShape gpt3(const char *name, int64_t heads, int64_t width, int64_t layers, int64_t tensors, int64_t stages) {
  ModelShape model{name, heads, width, 128, layers, tensors, stages};
  model.keyHeads = heads;
  model.hidden = 4 * width;
  return model;
}

ModelShape llama(const char *name, int64_t heads, int64_t keyHeads, int64_t width, int64_t hidden, int64_t layers,
                 int64_t vocabulary, int64_t tensors) {
  ModelShape model{name, heads, width, width / heads, layers, tensors, 1};
  model.keyHeads = keyHeads;
  model.hidden = hidden;
  model.vocabulary = vocabulary;
  model.gated = model.rotary = true;
  return model;
}

const std::vector<ModelShape> &knownModels() {
  static const std::vector<ModelShape> models = {
      gpt3("gpt3-7b", 32, 4096, 32, 4, 1),
      gpt3("gpt3-13b", 40, 5120, 40, 4, 1),
      gpt3("gpt3-30b", 56, 7168, 48, 4, 2),
      gpt3("gpt3-175b", 96, 12288, 96, 8, 4),
      llama("llama2-7b", 32, 32, 4096, 11008, 32, 32000, 1),
      llama("llama3-8b", 32, 8, 4096, 14336, 32, 128256, 1),
      llama("llama3-70b", 64, 8, 8192, 28672, 80, 128256, 8),
  };
  return models;
}

constexpr int64_t maxSize = 1 << 24;

/// The first of `keys` that the object has.
Result<int64_t> firstOf(const JsonObject &config, std::initializer_list<std::string_view> keys, int64_t low) {
  for (std::string_view key : keys)
    if (config.has(key))
      return config.integer(key, low, maxSize);
  return config.error(*keys.begin(), "missing");
}

struct Family {
  std::string_view type;
  bool gated, rotary;
};
constexpr Family families[] = {
    {"gpt2", false, false},  {"opt", false, false}, {"gpt_neox", false, true}, {"llama", true, true},
    {"mistral", true, true}, {"qwen2", true, true}, {"qwen3", true, true},     {"gemma", true, true},
    {"gemma2", true, true},  {"phi3", true, true},
};

} // namespace

std::vector<std::string> modelNames() {
  std::vector<std::string> names;
  for (const ModelShape &model : knownModels())
    names.push_back(model.name);
  return names;
}

Result<ModelShape> findModel(std::string_view name) {
  for (const ModelShape &model : knownModels())
    if (model.name == name)
      return model;
  return usageError("unknown model {}; known are {}", name, fmt::join(modelNames(), ", "));
}

Result<ModelShape> parseModelConfig(std::string_view text, std::string_view source, std::string name) {
  Json document = YOKE_TRY(parseJson(text, source));
  JsonObject config = YOKE_TRY(JsonObject::from(document, std::string(source)));
  std::string type = YOKE_TRY(config.string("model_type"));
  const Family *family = std::find_if(std::begin(families), std::end(families),
                                      [&](const Family &candidate) { return candidate.type == type; });
  if (family == std::end(families))
    return config.error("model_type", "not a decoder that the simulator knows");
  for (std::string_view key : {"num_local_experts", "num_experts", "n_routed_experts"})
    if (config.has(key))
      return config.error(key, "mixtures of experts are not simulated");
  ModelShape model{std::move(name), 0, 0, 0, 0};
  model.gated = family->gated;
  model.rotary = family->rotary;
  model.width = YOKE_TRY(firstOf(config, {"hidden_size", "n_embd"}, 1));
  model.heads = YOKE_TRY(firstOf(config, {"num_attention_heads", "n_head"}, 1));
  model.layers = YOKE_TRY(firstOf(config, {"num_hidden_layers", "n_layer"}, 1));
  model.vocabulary = YOKE_TRY(firstOf(config, {"vocab_size"}, 1));
  model.keyHeads = YOKE_TRY(config.integer("num_key_value_heads", 1, maxSize, model.heads));
  if (model.heads % model.keyHeads)
    return config.error("num_key_value_heads", fmt::format("violates num_attention_heads % num_key_value_heads = 0 "
                                                           "({} % {})",
                                                           model.heads, model.keyHeads));
  if (!config.has("head_dim") && model.width % model.heads)
    return config.error("hidden_size", fmt::format("violates hidden_size % num_attention_heads = 0 ({} % {})",
                                                   model.width, model.heads));
  model.headSize = YOKE_TRY(config.integer("head_dim", 1, 4096, model.width / model.heads));
  model.hidden = 4 * model.width;
  if (config.has("intermediate_size") || config.has("n_inner") || config.has("ffn_dim"))
    model.hidden = YOKE_TRY(firstOf(config, {"intermediate_size", "n_inner", "ffn_dim"}, 1));
  if (config.has("max_position_embeddings") || config.has("n_positions"))
    model.positions = YOKE_TRY(firstOf(config, {"max_position_embeddings", "n_positions"}, 1));
  if (type == "mistral")
    model.window = YOKE_TRY(config.integer("sliding_window", 1, maxSize, 0));
  return model;
}

Status checkParallelism(const ModelShape &model) {
  int64_t tensors = model.tensorParallel, stages = model.pipelineParallel;
  if (tensors < 1 || stages < 1)
    return usageError("{}: tensor and pipeline parallelism must be at least 1", model.name);
  auto divides = [&](std::string_view what, int64_t value) -> Status {
    if (value % tensors == 0)
      return {};
    return usageError("{}: violates {} % tp = 0 ({} % {})", model.name, what, value, tensors);
  };
  YOKE_TRY(divides("heads", model.heads));
  YOKE_TRY(divides("feed-forward width", model.hidden));
  if (model.keyHeads % tensors && tensors % model.keyHeads)
    return usageError("{}: violates key heads % tp = 0 or tp % key heads = 0 ({} and {})", model.name, model.keyHeads,
                      tensors);
  if (stages > model.layers)
    return usageError("{}: violates pp <= layers ({} > {})", model.name, stages, model.layers);
  return {};
}

} // namespace yoke::sim
