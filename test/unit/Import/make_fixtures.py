#!/usr/bin/env python3
"""Make the tiny random checkpoints in fixtures/, with goldens from transformers.

    pip install torch transformers safetensors    # CPU wheels
    make_fixtures.py OUT [--all] [--only NAME ...]

Without --all only the fixtures that are committed; --all adds further variants of the same families. Goldens come from
the saved folder, loaded again in float32, so that the spelling of config.json is the reference's business too.
golden.json holds the prompts (and, where a fixture asks, the tokens that greedy decoding gives with the distance of the
two best logits at each), golden.safetensors `logits.<i>` [tokens, vocab] or, of encoders, `embedding.<i>` [1, D].
"""
import argparse
import json
import os
import shutil

import torch
import transformers as T
from safetensors.torch import load_file, save_file

SIZES = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=32, bos_token_id=0, eos_token_id=1)
GPT2 = dict(vocab_size=32, n_embd=16, n_layer=2, n_head=4, n_positions=32, bos_token_id=0, eos_token_id=1)
OPT = dict(vocab_size=32, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4,
           max_position_embeddings=32, word_embed_proj_dim=16, bos_token_id=0, eos_token_id=1, pad_token_id=2)
NEOX = {**SIZES}
BERT = {k: v for k, v in SIZES.items() if "token_id" not in k}
GQA = dict(num_key_value_heads=2)
EXPERTS = dict(moe_intermediate_size=12, num_experts_per_tok=2)
LATENT = dict(num_key_value_heads=4, kv_lora_rank=12, qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=5)


def legacy_rope(**scaling):
    """config.json as transformers 4 wrote it: rope_theta and rope_scaling."""
    def edit(folder):
        def change(config):
            parameters = config.pop("rope_parameters")
            config["rope_theta"] = parameters["rope_theta"]
            config["rope_scaling"] = scaling
        edit_config(folder, change)
    return edit


def edit_config(folder, change):
    path = os.path.join(folder, "config.json")
    config = json.load(open(path))
    change(config)
    json.dump(config, open(path, "w"), indent=2)


def rename_tensors(rename):
    def edit(folder):
        path = os.path.join(folder, "model.safetensors")
        tensors = {rename(name): tensor.clone() for name, tensor in load_file(path).items()}
        save_file({name: tensor for name, tensor in tensors.items() if name}, path, {"format": "pt"})
    return edit


def stack_experts(block, gate, up, down):
    """The spelling with the matrices of all experts of a layer in one tensor."""
    def edit(folder):
        path = os.path.join(folder, "model.safetensors")
        tensors = load_file(path)
        for router in [name for name in tensors if name.endswith(f".{block}.gate.weight")]:
            prefix = router.removesuffix(f"{block}.gate.weight")
            def take(expert, name):
                return tensors.pop(f"{prefix}{block}.experts.{expert}.{name}.weight")
            count = range(tensors[router].shape[0])
            both = [torch.cat([take(i, gate), take(i, up)]) for i in count]
            tensors[prefix + "mlp.experts.gate_up_proj"] = torch.stack(both)
            tensors[prefix + "mlp.experts.down_proj"] = torch.stack([take(i, down) for i in count])
            tensors[prefix + "mlp.gate.weight"] = tensors.pop(router)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"format": "pt"})
    return edit


def pooling(mode, normalize):
    def edit(folder):
        kinds = ["Transformer", "Pooling"] + (["Normalize"] if normalize else [])
        json.dump([{"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{kind}",
                    "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)],
                  open(os.path.join(folder, "modules.json"), "w"))
        os.makedirs(os.path.join(folder, "1_Pooling"))
        json.dump({"word_embedding_dimension": 16, "pooling_mode_cls_token": mode == "cls",
                   "pooling_mode_mean_tokens": mode == "mean", "pooling_mode_max_tokens": False},
                  open(os.path.join(folder, "1_Pooling", "config.json"), "w"))
    return edit


def several(*edits):
    return lambda folder: [edit(folder) for edit in edits]


def old_layer_norms(name):
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def mixed_types(folder):
    path = os.path.join(folder, "model.safetensors")
    types = [torch.float32, torch.bfloat16, torch.float16]
    save_file({name: tensor.to(types[i % 3]) for i, (name, tensor) in enumerate(sorted(load_file(path).items()))}, path,
              {"format": "pt"})


class Fixture:
    def __init__(self, model, config, edit=None, dtype=torch.float32, commit=True, pool=None, normalize=False,
                 generated=0):
        self.model, self.config, self.edit, self.dtype = model, config, edit, dtype
        self.commit, self.pool, self.normalize, self.generated = commit, pool, normalize, generated


F = Fixture
BF16, F16 = torch.bfloat16, torch.float16
FIXTURES = {
    "llama": F(T.LlamaForCausalLM, {**SIZES, **GQA, "head_dim": 6}, dtype=BF16),
    "llama-biases": F(T.LlamaForCausalLM, {**SIZES, "attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"},
                      dtype=F16),
    "llama-tied": F(T.LlamaForCausalLM, {**SIZES, **GQA, "tie_word_embeddings": True}, edit=mixed_types),
    "llama-linear": F(T.LlamaForCausalLM, {**SIZES, **GQA}, edit=legacy_rope(type="linear", factor=2.5), dtype=BF16),
    "llama-dynamic": F(T.LlamaForCausalLM, {**SIZES, **GQA}, edit=legacy_rope(type="dynamic", factor=3.0), commit=False),
    "llama-yarn": F(T.LlamaForCausalLM, {**SIZES, "head_dim": 16}, dtype=BF16, edit=legacy_rope(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=8)),
    "llama-yarn-mscale": F(T.LlamaForCausalLM, {**SIZES, "head_dim": 16, "rope_parameters": {
        "rope_type": "yarn", "rope_theta": 5000.0, "factor": 4.0, "original_max_position_embeddings": 8,
        "beta_fast": 16, "beta_slow": 2, "mscale": 0.8, "mscale_all_dim": 0.5, "truncate": False}}, commit=False),
    "llama-llama3": F(T.LlamaForCausalLM, {**SIZES, "head_dim": 16}, dtype=BF16, edit=legacy_rope(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)),
    "llama-longrope": F(T.LlamaForCausalLM, {**SIZES, "rope_parameters": {
        "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.5], "long_factor": [2.0, 3.5],
        "factor": 4.0, "original_max_position_embeddings": 8}}, commit=False),
    "mistral": F(T.MistralForCausalLM, {**SIZES, **GQA, "sliding_window": 4}, dtype=BF16),
    "mistral-full": F(T.MistralForCausalLM, {**SIZES, **GQA, "sliding_window": None, "head_dim": 10}, commit=False),
    "qwen2": F(T.Qwen2ForCausalLM, {**SIZES, **GQA, "use_sliding_window": True, "sliding_window": 4,
                                    "max_window_layers": 1}, dtype=BF16),
    "qwen2-types": F(T.Qwen2ForCausalLM, {**SIZES, **GQA, "use_sliding_window": True, "sliding_window": 3,
                                          "layer_types": ["sliding_attention", "full_attention"]}, commit=False),
    "qwen2-full": F(T.Qwen2ForCausalLM, {**SIZES, **GQA, "tie_word_embeddings": True}, commit=False),
    "qwen3": F(T.Qwen3ForCausalLM, {**SIZES, **GQA, "head_dim": 8, "attention_bias": True}, dtype=BF16),
    "mixtral": F(T.MixtralForCausalLM, {**SIZES, **GQA, "num_local_experts": 4, "num_experts_per_tok": 2,
                                        "sliding_window": 5}, dtype=BF16),
    "mixtral-stacked": F(T.MixtralForCausalLM, {**SIZES, **GQA, "num_local_experts": 3, "num_experts_per_tok": 2},
                         dtype=BF16, edit=stack_experts("block_sparse_moe", "w1", "w3", "w2")),
    "qwen2-moe": F(T.Qwen2MoeForCausalLM, {**SIZES, **GQA, **EXPERTS, "num_experts": 5,
                                           "shared_expert_intermediate_size": 20, "use_sliding_window": True,
                                           "sliding_window": 4}, dtype=BF16),
    "qwen2-moe-sparse": F(T.Qwen2MoeForCausalLM, {**SIZES, **GQA, **EXPERTS, "num_experts": 5, "norm_topk_prob": True,
                                                  "num_hidden_layers": 4, "shared_expert_intermediate_size": 20,
                                                  "decoder_sparse_step": 2, "mlp_only_layers": [3], "qkv_bias": False},
                          commit=False),
    "qwen3-moe": F(T.Qwen3MoeForCausalLM, {**SIZES, **GQA, **EXPERTS, "num_experts": 6, "head_dim": 8,
                                           "norm_topk_prob": True, "mlp_only_layers": [0]}, dtype=BF16),
    "olmoe": F(T.OlmoeForCausalLM, {**SIZES, **GQA, "num_experts": 4, "num_experts_per_tok": 3, "pad_token_id": 2},
               dtype=BF16),
    "deepseek-v2": F(T.DeepseekV2ForCausalLM, {
        **SIZES, **EXPERTS, **LATENT, "q_lora_rank": None, "n_routed_experts": 6, "first_k_dense_replace": 1, "n_group": 3,
        "topk_group": 2, "topk_method": "group_limited_greedy", "routed_scaling_factor": 2.0}, dtype=BF16),
    "deepseek-v2-greedy": F(T.DeepseekV2ForCausalLM, {
        **SIZES, **EXPERTS, **LATENT, "q_lora_rank": 10, "n_routed_experts": 5, "n_shared_experts": 1,
        "attention_bias": True, "mlp_bias": True}, dtype=BF16, commit=False),
    "deepseek-v3": F(T.DeepseekV3ForCausalLM, {
        **SIZES, **EXPERTS, **LATENT, "q_lora_rank": 10, "n_routed_experts": 8, "first_k_dense_replace": 1, "n_group": 4,
        "topk_group": 2, "attention_bias": True}, dtype=BF16, edit=legacy_rope(
            type="yarn", factor=4.0, original_max_position_embeddings=8, mscale=1.0, mscale_all_dim=0.8)),
    "deepseek-v3-halves": F(T.DeepseekV3ForCausalLM, {
        **SIZES, **EXPERTS, **LATENT, "q_lora_rank": None, "n_routed_experts": 6, "num_experts_per_tok": 3,
        "first_k_dense_replace": 0, "n_group": 1, "topk_group": 1, "rope_interleave": False, "norm_topk_prob": False},
        commit=False),
    "gemma2": F(T.Gemma2ForCausalLM, {**SIZES, **GQA, "head_dim": 8, "sliding_window": 4, "query_pre_attn_scalar": 12,
                                      "attn_logit_softcapping": 2.0, "final_logit_softcapping": 1.5, "pad_token_id": 2},
                dtype=BF16),
    "gemma2-uncapped": F(T.Gemma2ForCausalLM, {**SIZES, **GQA, "head_dim": 8, "attn_logit_softcapping": None,
                                               "final_logit_softcapping": None, "attention_bias": True,
                                               "layer_types": ["full_attention", "sliding_attention"],
                                               "sliding_window": 3, "pad_token_id": 2}, commit=False),
    "phi3": F(T.Phi3ForCausalLM, {**SIZES, **GQA, "hidden_size": 32, "pad_token_id": 2, "sliding_window": 5,
                                  "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0,
                                                      "partial_rotary_factor": 0.75}}, dtype=BF16),
    "phi3-longrope": F(T.Phi3ForCausalLM, {**SIZES, "pad_token_id": 2, "original_max_position_embeddings": 8},
                       dtype=BF16, edit=legacy_rope(type="longrope", short_factor=[1.0, 1.25], long_factor=[2.0, 4.5]),
                       generated=17),
    "gpt2": F(T.GPT2LMHeadModel, GPT2, dtype=BF16),
    "gpt2-options": F(T.GPT2LMHeadModel, {**GPT2, "n_inner": 20, "activation_function": "relu",
                                          "scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False},
                      commit=False),
    "gpt2-unscaled": F(T.GPT2LMHeadModel, {**GPT2, "scale_attn_weights": False, "activation_function": "quick_gelu"},
                       commit=False),
    "gpt2-bare": F(T.GPT2LMHeadModel, {**GPT2, "n_layer": 1}, dtype=BF16,
                   edit=rename_tensors(lambda name: name.removeprefix("transformer."))),
    "gpt-neox": F(T.GPTNeoXForCausalLM, {**NEOX, "hidden_size": 32, "rope_parameters": {
        "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}}, dtype=BF16),
    "gpt-neox-sequential": F(T.GPTNeoXForCausalLM, {**NEOX, "use_parallel_residual": False, "attention_bias": False,
                                                    "hidden_act": "gelu_new"}, dtype=BF16, edit=several(
        lambda folder: edit_config(folder, lambda c: c.update(rotary_pct=1.0, rotary_emb_base=5000,
                                                              rope_parameters=None)),
        rename_tensors(lambda name: name.replace("lm_head.", "embed_out.")))),
    "opt": F(T.OPTForCausalLM, OPT, dtype=BF16),
    "opt-post-norm": F(T.OPTForCausalLM, {**OPT, "do_layer_norm_before": False, "word_embed_proj_dim": 8}, dtype=BF16,
                       edit=rename_tensors(lambda name: name.removeprefix("model."))),
    "opt-plain": F(T.OPTForCausalLM, {**OPT, "enable_bias": False, "layer_norm_elementwise_affine": False,
                                      "activation_function": "gelu", "_remove_final_layer_norm": True}, dtype=BF16),
    "bert": F(T.BertModel, BERT, pool="mean"),
    "bert-cls": F(T.BertModel, BERT, dtype=BF16, pool="cls", normalize=True, edit=pooling("cls", True)),
    "bert-old": F(T.BertForMaskedLM, {**BERT, "hidden_act": "gelu_new", "num_hidden_layers": 1}, dtype=BF16, pool="mean",
                  normalize=True, edit=several(pooling("mean", True), rename_tensors(old_layer_norms))),
}


def randomise(model, gemma):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() >= 2:
                p.normal_(0, 0.5 if "emb" in name or "wte" in name else 1.2 / p.shape[-1] ** 0.5)
            elif name.endswith("bias"):
                p.normal_(0, 0.1)
            else:
                p.normal_(0 if gemma else 1, 0.1)
        for name, buffer in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.normal_(0, 0.2)


def embed(model, ids, fixture):
    rows = model(ids).last_hidden_state[0]
    row = rows[0] if fixture.pool == "cls" else rows.mean(0)
    return (torch.nn.functional.normalize(row, dim=0) if fixture.normalize else row)[None]


def generate(model, ids, count):
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False, eos_token_id=None,
                         output_logits=True, return_dict_in_generate=True)
    best = [step[0].topk(2).values.tolist() for step in out.logits]
    return {"generated": out.sequences[0, ids.shape[1]:].tolist(), "margins": [round(a - b, 5) for a, b in best]}


def make(out, name, fixture):
    torch.manual_seed(sum(name.encode()))
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    model = fixture.model(fixture.model.config_class(**fixture.config))
    randomise(model, "gemma" in name)
    model.to(fixture.dtype).save_pretrained(folder)
    if fixture.edit:
        fixture.edit(folder)
    auto = T.AutoModel if fixture.pool else T.AutoModelForCausalLM
    model = auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    prompts, tensors = [], {}
    for i, length in enumerate([1, 6, 14]):
        ids = torch.randint(3, 32, (1, length))
        prompts.append({"token_ids": ids[0].tolist()})
        with torch.no_grad():
            if fixture.pool:
                tensors[f"embedding.{i}"] = embed(model, ids, fixture).contiguous()
            else:
                tensors[f"logits.{i}"] = model(ids).logits[0].float().contiguous()
            if fixture.generated:
                prompts[-1].update(generate(model, ids, fixture.generated))
    json.dump({"prompts": prompts}, open(os.path.join(folder, "golden.json"), "w"))
    save_file(tensors, os.path.join(folder, "golden.safetensors"))
    for root, _, files in os.walk(folder):
        for file in files:
            os.chmod(os.path.join(root, file), 0o644)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for name, fixture in FIXTURES.items():
        if (arguments.all or fixture.commit) and (not arguments.only or name in arguments.only):
            make(arguments.out, name, fixture)
            print(name, flush=True)
