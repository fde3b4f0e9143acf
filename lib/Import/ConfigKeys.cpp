//===- ConfigKeys.cpp - fields of config.json that no family asked for ----===//
#include "Import/ConfigReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cmath>

using namespace yoke;
using namespace yoke::import;

namespace {

/// Fields that do not change what a forward pass computes: bookkeeping, training, and defaults for text generation.
constexpr llvm::StringLiteral inertKeys[] = {"_attn_implementation",
                                             "_attn_implementation_autoset",
                                             "_attn_implementation_internal",
                                             "_commit_hash",
                                             "_name_or_path",
                                             "architectures",
                                             "attn_implementation",
                                             "auto_map",
                                             "bad_words_ids",
                                             "begin_suppress_tokens",
                                             "bos_token_id",
                                             "cache_implementation",
                                             "chunk_size_feed_forward",
                                             "cross_attention_hidden_size",
                                             "decoder_start_token_id",
                                             "diversity_penalty",
                                             "do_sample",
                                             "dtype",
                                             "early_stopping",
                                             "encoder_no_repeat_ngram_size",
                                             "eos_token_id",
                                             "exponential_decay_length_penalty",
                                             "finetuning_task",
                                             "forced_bos_token_id",
                                             "forced_eos_token_id",
                                             "gradient_checkpointing",
                                             "id2label",
                                             "init_std",
                                             "initializer_range",
                                             "is_llama_config",
                                             "keys_to_ignore_at_inference",
                                             "label2id",
                                             "layerdrop",
                                             "length_penalty",
                                             "max_length",
                                             "max_window_layers",
                                             "min_length",
                                             "model_type",
                                             "n_ctx",
                                             "name_or_path",
                                             "no_repeat_ngram_size",
                                             "num_beam_groups",
                                             "num_beams",
                                             "num_labels",
                                             "num_return_sequences",
                                             "output_attentions",
                                             "output_hidden_states",
                                             "output_past",
                                             "output_scores",
                                             "pad_token_id",
                                             "prefix",
                                             "pretraining_tp",
                                             "problem_type",
                                             "remove_invalid_values",
                                             "repetition_penalty",
                                             "return_dict",
                                             "return_dict_in_generate",
                                             "sep_token_id",
                                             "suppress_tokens",
                                             "task_specific_params",
                                             "temperature",
                                             "tokenizer_class",
                                             "top_k",
                                             "top_p",
                                             "torch_dtype",
                                             "torchscript",
                                             "transformers.js_config",
                                             "transformers_version",
                                             "typical_p",
                                             "unsloth_fixed",
                                             "unsloth_version",
                                             "use_bfloat16",
                                             "use_cache"};

/// Fields of transformers models that change the computation. `neutral` is the JSON number that changes nothing, if
/// there is one; null, false, [] and {} never do.
struct MatteringKey {
  llvm::StringLiteral name;
  double neutral = NAN;
};

constexpr MatteringKey matteringKeys[] = {{"activation_function"},
                                          {"add_cross_attention"},
                                          {"alibi"},
                                          {"altup_num_inputs"},
                                          {"attention_bias"},
                                          {"attention_chunk_size"},
                                          {"attention_multiplier"},
                                          {"attention_out_bias"},
                                          {"attn_logit_softcapping"},
                                          {"attn_temperature_tuning"},
                                          {"audio_config"},
                                          {"bias"},
                                          {"clip_qkv"},
                                          {"cross_attention_layers"},
                                          {"decoder_sparse_step", 1},
                                          {"dim_model_base"},
                                          {"do_layer_norm_before"},
                                          {"embedding_multiplier", 1},
                                          {"embedding_size"},
                                          {"enable_bias"},
                                          {"encoder_layers"},
                                          {"expert_layer_period"},
                                          {"final_logit_softcapping"},
                                          {"first_k_dense_replace", 0},
                                          {"head_dim"},
                                          {"hidden_act"},
                                          {"hidden_activation"},
                                          {"hidden_size_per_layer_input"},
                                          {"index_topk"},
                                          {"is_decoder"},
                                          {"is_encoder_decoder"},
                                          {"kv_lora_rank"},
                                          {"layer_norm_elementwise_affine"},
                                          {"layer_types"},
                                          {"lm_head_bias"},
                                          {"logit_scale", 1},
                                          {"logit_softcapping"},
                                          {"logits_scaling", 1},
                                          {"mamba_d_state"},
                                          {"mlp_bias"},
                                          {"moe_intermediate_size"},
                                          {"moe_layers"},
                                          {"mrope_section"},
                                          {"multi_query"},
                                          {"n_inner"},
                                          {"n_routed_experts", 0},
                                          {"no_rope_layer_interval", 0},
                                          {"no_rope_layers"},
                                          {"num_experts", 0},
                                          {"num_experts_per_tok", 0},
                                          {"num_key_value_heads"},
                                          {"num_kv_shared_layers", 0},
                                          {"num_local_experts", 0},
                                          {"parallel_attn"},
                                          {"partial_rotary_factor", 1},
                                          {"per_layer_config"},
                                          {"position_embedding_type"},
                                          {"pruned_heads"},
                                          {"q_lora_rank"},
                                          {"qk_layernorm"},
                                          {"qk_norm"},
                                          {"qkv_bias"},
                                          {"query_pre_attn_scalar"},
                                          {"residual_multiplier", 1},
                                          {"rope_interleaved"},
                                          {"rope_local_base_freq"},
                                          {"rope_parameters"},
                                          {"rope_scaling"},
                                          {"rope_theta"},
                                          {"rotary_dim"},
                                          {"rotary_emb_base"},
                                          {"rotary_pct", 1},
                                          {"scale_attn_by_inverse_layer_idx"},
                                          {"scale_depth"},
                                          {"scale_emb", 1},
                                          {"sliding_window"},
                                          {"sliding_window_pattern"},
                                          {"text_config"},
                                          {"tie_encoder_decoder"},
                                          {"use_bias"},
                                          {"use_bidirectional_attention"},
                                          {"use_mrope"},
                                          {"use_parallel_residual"},
                                          {"use_qk_norm"},
                                          {"use_sliding_window"},
                                          {"vision_config"},
                                          {"word_embed_proj_dim"}};

bool isNeutral(const MatteringKey &key, const Json &value) {
  if (value.is_null() || (value.is_boolean() && !value.get_ref<const bool &>()))
    return true;
  if (value.is_structured())
    return value.empty();
  if (value.is_number_float())
    return value.get_ref<const double &>() == key.neutral;
  if (value.is_number_unsigned())
    return static_cast<double>(value.get_ref<const uint64_t &>()) == key.neutral;
  if (value.is_number_integer())
    return static_cast<double>(value.get_ref<const int64_t &>()) == key.neutral;
  return false;
}

} // namespace

KeyRole yoke::import::keyRole(std::string_view name, const Json &value) {
  llvm::StringRef key(name);
  for (const MatteringKey &known : matteringKeys)
    if (known.name == key)
      return isNeutral(known, value) ? KeyRole::Neutral : KeyRole::Matters;
  if (key.contains("dropout") || key.ends_with("_pdrop") || key.starts_with("summary_"))
    return KeyRole::Inert;
  return llvm::is_contained(inertKeys, key) ? KeyRole::Inert : KeyRole::Unknown;
}
