#include "Factor/FactoredFamily.h"

#include "Support/Text.h"

namespace yoke {
namespace {

constexpr int64_t most = int64_t(1) << 24;

/// Missing fields whose defaults differ between configuration classes, written out.
Status writeDefaults(const JsonObject &fields, FactorPlan &plan) {
  Json &config = plan.config;
  int64_t heads = YOKE_TRY(fields.integer("num_attention_heads", 1, most));
  auto write = [&](const char *key, Json value) {
    if (!fields.has(key))
      config[key] = std::move(value);
  };
  std::string type = YOKE_TRY(fields.string("model_type", "llama"));
  bool isQwen3 = type == "qwen3", isMistral = type == "mistral", isQwen = isQwen3 || type == "qwen2";
  write("num_key_value_heads", isQwen ? int64_t(32) : isMistral ? int64_t(8) : heads);
  write("max_position_embeddings", isQwen ? 32768 : isMistral ? 131072 : 2048);
  write("rms_norm_eps", 1e-6);
  write("hidden_act", "silu");
  write("tie_word_embeddings", false);
  if (isQwen3)
    write("head_dim", 128);
  if (!fields.has("rope_parameters"))
    write("rope_theta", 10000.0);
  JsonObject written = YOKE_TRY(JsonObject::from(config, fields.source()));
  plan.positions = YOKE_TRY(written.integer("max_position_embeddings", 1, int64_t(1) << 30));
  return {};
}

Status requireFalse(const JsonObject &fields, std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys)
    if (YOKE_TRY(fields.boolean(key, false)))
      return fields.error(key, "true: experts of the model that would be made have none");
  return {};
}

/// The target's architecture; error: a source without one.
Status chooseTarget(const JsonObject &fields, FactorPlan &plan) {
  std::string architecture;
  if (auto names = YOKE_TRY(fields.optionalArray("architectures", 64)); names && !names->empty())
    architecture = YOKE_TRY(fields.strings("architectures", 64)).front();
  YOKE_TRY(requireFalse(fields, {"mlp_bias"}));
  bool hasShared = plan.shared > 0;
  Json &config = plan.config;
  auto become = [&](const char *name, const char *type) {
    config["architectures"] = Json::array({name});
    config["model_type"] = type;
    plan.isMixtral = config["model_type"] == "mixtral";
  };
  if (architecture == "LlamaForCausalLM" || architecture == "MistralForCausalLM") {
    YOKE_TRY(requireFalse(fields, {"attention_bias"}));
    if (!hasShared && plan.denseLayers.empty()) {
      become("MixtralForCausalLM", "mixtral");
      return {};
    }
    if (!hasShared)
      return usageError("--dense-layers needs --shared for a {}: Mixtral has experts in every layer, and Qwen2-MoE has "
                        "neurons that all tokens use",
                        architecture);
    if (fields.has("sliding_window"))
      return fields.error("sliding_window", "with --shared the model becomes a Qwen2-MoE, which has other windows");
    become("Qwen2MoeForCausalLM", "qwen2_moe");
    config["qkv_bias"] = false;
    return {};
  }
  if (architecture == "Qwen2ForCausalLM") {
    YOKE_TRY(requireFalse(fields, {"use_sliding_window"}));
    if (!hasShared)
      return usageError("a Qwen2 becomes a Qwen2-MoE, which has neurons that all tokens use: give --shared");
    become("Qwen2MoeForCausalLM", "qwen2_moe");
    config["qkv_bias"] = true;
    return {};
  }
  if (architecture == "Qwen3ForCausalLM") {
    YOKE_TRY(requireFalse(fields, {"use_sliding_window"}));
    if (hasShared)
      return usageError("a Qwen3 becomes a Qwen3-MoE, which has no neurons that all tokens use: --shared must be 0");
    become("Qwen3MoeForCausalLM", "qwen3_moe");
    return {};
  }
  return fields.error("architectures", fmt::format("{} cannot be made into experts; LlamaForCausalLM, "
                                                   "MistralForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM can",
                                                   quote(architecture)));
}

/// The fields that say what the experts are.
void describeExperts(FactorPlan &plan) {
  Json &config = plan.config;
  config["num_experts_per_tok"] = plan.topK;
  config["output_router_logits"] = false;
  for (const char *key : {"mlp_bias", "attention_bias", "pretraining_tp", "auto_map"})
    if (plan.config["model_type"] != "qwen3_moe" || std::string_view(key) != "attention_bias")
      config.erase(key);
  if (plan.isMixtral) {
    config["num_local_experts"] = plan.experts;
    config["intermediate_size"] = plan.expertInner();
    return;
  }
  config["num_experts"] = plan.experts;
  config["moe_intermediate_size"] = plan.expertInner();
  config["norm_topk_prob"] = true;
  config["decoder_sparse_step"] = 1;
  config["mlp_only_layers"] = Json(std::vector<int64_t>(plan.denseLayers.begin(), plan.denseLayers.end()));
  if (plan.shared > 0)
    config["shared_expert_intermediate_size"] = plan.shared;
}

} // namespace

Result<FactorPlan> planFactoring(const Checkpoint &source, const FactorRequest &request) {
  std::string name = printable(source.folder(), 4096) + "/config.json";
  FactorPlan plan;
  plan.config = YOKE_TRY(parseJson(source.config(), name, {.bytes = size_t(1) << 24, .allowNonFinite = true}));
  Json given = plan.config;
  JsonObject fields = YOKE_TRY(JsonObject::from(given, name));
  for (std::string_view key : {"quantization_config", "compression_config"})
    if (fields.has(key))
      return fields.error(key, "quantised weights cannot be made into experts");
  plan.layers = YOKE_TRY(fields.integer("num_hidden_layers", 1, most));
  plan.hidden = YOKE_TRY(fields.integer("hidden_size", 1, most));
  plan.inner = YOKE_TRY(fields.integer("intermediate_size", 1, most));
  if (std::string act = YOKE_TRY(fields.string("hidden_act", "silu")); act != "silu" && act != "swish")
    return fields.error("hidden_act", fmt::format("{} cannot be made into experts, only \"silu\"", quote(act)));
  plan.experts = request.experts;
  plan.topK = request.topK;
  plan.shared = request.shared;
  plan.denseLayers = request.denseLayers;
  if (plan.topK > plan.experts)
    return usageError("--top-k {}: there are {} experts", plan.topK, plan.experts);
  if (plan.shared >= plan.inner || (plan.inner - plan.shared) % plan.experts != 0)
    return usageError("{} neurons of a block less --shared {} cannot be divided among {} experts", plan.inner,
                      plan.shared, plan.experts);
  for (int64_t layer : plan.denseLayers)
    if (layer < 0 || layer >= plan.layers)
      return usageError("--dense-layers {}: the model has layers 0 to {}", layer, plan.layers - 1);
  YOKE_TRY(writeDefaults(fields, plan));
  YOKE_TRY(chooseTarget(fields, plan));
  describeExperts(plan);
  return plan;
}

} // namespace yoke
